import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { SqlRow, SqlValue } from './sql-driver.ts';

/**
 * One connection to a SQLite file, used by the reader on the main thread and the writer in its worker thread.
 */

/** Prepared statements that are cached, including those of searches, which have few different texts. */
const maxCachedStatements = 200;

/** Settings of a connection. Plain data, because they are sent to the writer thread. */
export interface SqliteSettings {
  readonly file: string;
  /**
   * How long a statement waits for another process's lock. The wait blocks its thread, so the reader waits
   * less.
   */
  readonly busyMilliseconds: number;
  /** Page cache in KiB. */
  readonly cacheKibibytes: number;
  /** Largest size of the database in pages of 4 KiB; beyond it commits fail as on a full disk. */
  readonly maxPages?: number;
  /** Whether the connection only reads; it creates and changes no file then. */
  readonly readOnly?: boolean;
}

/** A connection with a cache of prepared statements. */
export class SqliteConnection {
  readonly database: DatabaseSync;
  readonly #cachedStatements = new Map<string, StatementSync>();

  /**
   * Opens with write-ahead log and fsync at every commit (`synchronous=FULL`), so that commits survive power
   * loss.
   */
  constructor({ file, busyMilliseconds, cacheKibibytes, maxPages, readOnly = false }: SqliteSettings) {
    this.database = new DatabaseSync(file, {
      timeout: busyMilliseconds,
      enableForeignKeyConstraints: true,
      readOnly,
    });
    this.database.exec(
      // `secure_delete` overwrites deleted content with zeros. `fullfsync`: on macOS fsync stops at the
      // drive's cache.
      `pragma journal_mode = wal; pragma synchronous = full; pragma secure_delete = on; pragma fullfsync = on;
       pragma checkpoint_fullfsync = on; pragma temp_store = memory; pragma cache_size = -${cacheKibibytes};
       pragma journal_size_limit = 67108864; pragma wal_autocheckpoint = 4000; pragma trusted_schema = off;`,
    );
    if (maxPages !== undefined) this.database.exec(`pragma max_page_count = ${maxPages}`);
  }

  /** Runs a statement and returns its rows. */
  rows(sql: string, parameters: readonly SqlValue[]): readonly SqlRow[] {
    return this.#statement(sql).all(...parameters) as SqlRow[];
  }

  /** Runs a statement and returns the number of rows that it changed, or returned if it is a query. */
  count(sql: string, parameters: readonly SqlValue[]): number {
    const statement = this.#statement(sql);
    if (sql.startsWith('select')) return statement.all(...parameters).length;
    return Number(this.#run(statement, parameters).changes);
  }

  /** Runs an insertion and returns the numbers of the rows that it inserted, none or one. */
  insert(sql: string, parameters: readonly SqlValue[]): readonly bigint[] {
    const { changes, lastInsertRowid } = this.#run(this.#statement(sql), parameters);
    return changes === 0n ? [] : [lastInsertRowid as bigint];
  }

  /** Each result has the number of the last inserted row, which may be larger than one of JavaScript. */
  #run(statement: StatementSync, parameters: readonly SqlValue[]) {
    statement.setReadBigInts(true);
    return statement.run(...parameters);
  }

  #statement(sql: string): StatementSync {
    const cached = this.#cachedStatements.get(sql);
    if (cached !== undefined) return cached;
    // `$1` would be a named parameter to SQLite; `?1` is the numbered one.
    const statement = this.database.prepare(sql.replaceAll(/\$(?=\d)/g, '?'));
    const [oldest] = this.#cachedStatements.keys();
    if (oldest !== undefined && this.#cachedStatements.size >= maxCachedStatements)
      this.#cachedStatements.delete(oldest);
    this.#cachedStatements.set(sql, statement);
    return statement;
  }

  /** Closes the connection. */
  close(): void {
    this.database.close();
  }
}

/** Consequence of a SQLite error. */
export type SqliteFailure =
  /** Only the statement is wrong. */
  | 'statement'
  /** Locked, full, out of memory: nothing was written, a later attempt may succeed. */
  | 'transient'
  /** Written data may be lost: no commit may follow until a restart has recovered the file. */
  | 'broken';

/** Whether SQLite has failed, rather than the code that calls it. */
export function isSystemFailure(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error;
}

// Primary result codes, https://www.sqlite.org/rescode.html
const failuresByCode: Readonly<Record<number, SqliteFailure>> = {
  5: 'transient', // SQLITE_BUSY
  6: 'transient', // SQLITE_LOCKED
  7: 'transient', // SQLITE_NOMEM
  8: 'transient', // SQLITE_READONLY
  9: 'transient', // SQLITE_INTERRUPT
  // After a failed fsync the kernel may have dropped the pages, so that a further fsync proves nothing.
  10: 'broken', // SQLITE_IOERR
  11: 'broken', // SQLITE_CORRUPT
  13: 'transient', // SQLITE_FULL
  14: 'transient', // SQLITE_CANTOPEN
  15: 'transient', // SQLITE_PROTOCOL
  26: 'broken', // SQLITE_NOTADB
};

/** Classifies an error by its primary result code; other errors count as `statement`. */
export function classifyFailure(error: unknown): SqliteFailure {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0;
  return failuresByCode[code & 0xff] ?? 'statement';
}

/** SQLITE_IOERR_SHMSIZE: the file of the shared memory could not grow. */
const sharedMemoryFull = 4_874;

/** SQLite's description of an error (`disk I/O error`), or that of the file system, without values. */
export function describeSqliteError(error: unknown): string {
  if (error instanceof Error && 'errcode' in error && error.errcode === sharedMemoryFull)
    return 'database or disk is full';
  if (error instanceof Error && 'errstr' in error) return String(error.errstr);
  return error instanceof Error ? error.message : String(error);
}

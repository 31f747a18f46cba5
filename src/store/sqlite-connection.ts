import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { SqlRow, SqlValue } from './sql-driver.ts';

/** One connection to a SQLite file, as the reader on the main thread and the writer in its worker both use it. */

/** Statements that stay prepared; searches come in a few shapes, so theirs are worth keeping too. */
const maxCachedStatements = 200;

export interface SqliteSettings {
  readonly file: string;
  /** How long a statement waits for another process's lock. It blocks its thread, so the reader waits less. */
  readonly busyMilliseconds: number;
  /** Page cache in KiB. */
  readonly cacheKibibytes: number;
  /** Largest size of the database in pages of 4 KiB; beyond it commits fail as on a full disk. */
  readonly maxPages?: number;
}

export class SqliteConnection {
  readonly database: DatabaseSync;
  readonly #cachedStatements = new Map<string, StatementSync>();

  /** Opens with write-ahead log and fsync at every commit (`synchronous=FULL`): what is acknowledged survives power loss. */
  constructor({ file, busyMilliseconds, cacheKibibytes, maxPages }: SqliteSettings) {
    this.database = new DatabaseSync(file, { timeout: busyMilliseconds, enableForeignKeyConstraints: true });
    this.database.exec(
      // `secure_delete` zeroes what is overwritten. `fullfsync` matters on macOS, where fsync stops at the drive's cache.
      `pragma journal_mode = wal; pragma synchronous = full; pragma secure_delete = on; pragma fullfsync = on;
       pragma checkpoint_fullfsync = on; pragma temp_store = memory; pragma cache_size = -${cacheKibibytes};
       pragma journal_size_limit = 67108864; pragma wal_autocheckpoint = 4000; pragma trusted_schema = off;`,
    );
    if (maxPages !== undefined) this.database.exec(`pragma max_page_count = ${maxPages}`);
  }

  rows(sql: string, parameters: readonly SqlValue[]): readonly SqlRow[] {
    return this.#statement(sql).all(...parameters) as SqlRow[];
  }

  /** How many rows a statement changed, or returned when it is a query. */
  count(sql: string, parameters: readonly SqlValue[]): number {
    const statement = this.#statement(sql);
    if (sql.startsWith('select')) return statement.all(...parameters).length;
    return Number(statement.run(...parameters).changes);
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

  close(): void {
    this.database.close();
  }
}

/** What a failure of SQLite means to the house. */
export type SqliteFailure =
  /** The statement is at fault; the database is well. */
  | 'statement'
  /** Locked, full, out of memory: nothing was written, a later attempt may succeed. */
  | 'weather'
  /** The file cannot be trusted to hold what is written: no commit may follow until a restart has recovered it. */
  | 'broken';

// Primary result codes, https://www.sqlite.org/rescode.html
const failuresByCode: Readonly<Record<number, SqliteFailure>> = {
  5: 'weather', // SQLITE_BUSY
  6: 'weather', // SQLITE_LOCKED
  7: 'weather', // SQLITE_NOMEM
  8: 'weather', // SQLITE_READONLY
  9: 'weather', // SQLITE_INTERRUPT
  10: 'broken', // SQLITE_IOERR: after a failed fsync the kernel may have dropped the pages; another fsync proves nothing
  11: 'broken', // SQLITE_CORRUPT
  13: 'weather', // SQLITE_FULL
  14: 'weather', // SQLITE_CANTOPEN
  15: 'weather', // SQLITE_PROTOCOL
  26: 'broken', // SQLITE_NOTADB
};

export function classifyFailure(error: unknown): SqliteFailure {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0;
  return failuresByCode[code & 0xff] ?? 'statement';
}

/** SQLite's own words for a failure (`disk I/O error`), without values. */
export function describeSqliteError(error: unknown): string {
  if (error instanceof Error && 'errstr' in error) return String(error.errstr);
  return error instanceof Error ? error.message : String(error);
}

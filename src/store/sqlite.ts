import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GroupCommit } from './group-commit.ts';
import type { LaneDriver } from './lane-driver.ts';
import { laneRenewal } from './lanes/lane-renewal.ts';
import { Lanes } from './lanes/lanes.ts';
import { migrations as released } from './migrations/index.ts';
import { type Migration, type MigrationPlan, migrate } from './migrations/migration.ts';
import { isNumberBefore } from './row-numbers.ts';
import type { Dialect, Read, SqlRow, SqlValue } from './sql-driver.ts';
import {
  classifyFailure,
  describeSqliteError,
  isSystemFailure,
  SqliteConnection,
} from './sqlite-connection.ts';
import { createDatabaseFile } from './sqlite-file.ts';
import { SqliteSchema } from './sqlite-schema.ts';
import { SqliteSearchThreads } from './sqlite-search-threads.ts';
import { TurnReads } from './sqlite-turn-reads.ts';
import { SqliteWriterThread } from './sqlite-writer-thread.ts';
import { StoreUnavailableError } from './store.ts';

const dialect: Dialect = {
  serial: 'integer primary key autoincrement',
  integer: 'integer',
  blob: 'blob',
  tableEnd: ' strict',
  clusteredEnd: ' strict, without rowid',
  apart: '',
  // It has no statistics, and keeps the order of a cross join.
  each: (outer, table, alias, condition) => `${outer} cross join ${table} ${alias} where ${condition}`,
  before: ([first, second], [equal, less]) =>
    `${first} = ${equal} and ${isNumberBefore(second, less)} order by ${second} desc`,
  // Without a row, the largest number in the table takes its place.
  lastNumber: (table) => `(select max(seq) from sqlite_sequence where name = '${table}')`,
  continueAfter: (table) => `update sqlite_sequence set seq = cast($1 as integer) where name = '${table}'`,
  newNumber: (parameter) => `cast(${parameter} as integer)`,
  numbers: (parameter) => `select value as seq from json_each(${parameter})`,
};

/** Threads for searches: one processor stays for the event loop. */
const searchThreads = Math.max(1, Math.min(4, availableParallelism() - 1));

/** Settings of a SQLite driver. */
export interface SqliteOptions {
  /** Largest size of the database in pages of 4 KiB; a commit beyond it fails as on a full disk. */
  readonly maxPages?: number;
  /** The schema; only tests use another one. */
  readonly migrations?: readonly Migration[];
  /** Whether a missing or empty file is an error, because the database has been there before. */
  readonly mustExist?: boolean;
  /** See `MigrationPlan`. */
  readonly isConversion?: boolean;
}

/**
 * Opens or creates the database `file` (mode 0600, its directory 0700) and migrates the schema. Reads use a
 * connection of this thread, a few microseconds each, those of one turn of the event loop in one transaction;
 * searches run in threads of their own, commits in a writer thread, in groups. Other processes may use the
 * file at the same time. The writer is closed last, because it empties the write-ahead log, which connections
 * that only read cannot.
 *
 * @throws {SchemaTooNewError} when a newer kmipd has migrated the database.
 * @throws {FirstDesignError} when the database is to be converted first.
 * @throws {StoreUnavailableError} when the file cannot be used, or has more than one name.
 */
export async function openSqlite(file: string, options: SqliteOptions = {}): Promise<LaneDriver> {
  const path = resolve(file);
  createDatabaseFile(path, options.mustExist ?? false);
  const { maxPages, migrations = released, isConversion = false } = options;
  const place = `sqlite:${path}`;
  const schema = await SqliteSchema.of(dialect, { migrations });
  const reader = await openReader(path, { place, migrations, isConversion }, schema);
  let closed: Promise<void> | undefined;
  const requireOpen = () => {
    if (closed !== undefined) throw new StoreUnavailableError('the store is closed');
    if (!isConversion) schema.check(reader.database, place);
  };
  const reads = new TurnReads(reader);
  const read: Read = async (sql, parameters) => {
    requireOpen();
    return readRows(reads, path, sql, parameters);
  };
  const lanes = new Lanes((sql, parameters) => {
    // A lane that is older than a commit of this process would be a rollback.
    reads.renew();
    return read(sql, parameters);
  });
  const settings = {
    ...{ file: path, busyMilliseconds: 5_000, cacheKibibytes: 32_768 },
    ...(maxPages !== undefined && { maxPages }),
  };
  const writer = new SqliteWriterThread(settings, lanes.connection(''));
  try {
    await writer.ready;
  } catch (error) {
    reader.close();
    throw error;
  }
  const searches = new SqliteSearchThreads({ file: path, busyMilliseconds: 5_000, cacheKibibytes: 16_384 });
  const commits = new GroupCommit((units) => writer.write(units).finally(() => reads.renew()));
  lanes.renew = () => commits.commit(laneRenewal);
  return {
    dialect,
    searchSlots: searchThreads,
    lanes,
    get counts() {
      return commits.counts;
    },
    read,
    async search(sql, parameters) {
      requireOpen();
      // Reads that follow must not see less: an object that a search has found would count as taken away.
      return searches.search(sql, parameters).finally(() => reads.renew());
    },
    async snapshot(work) {
      requireOpen();
      return searches.snapshot(work);
    },
    async commit(unit) {
      requireOpen();
      return commits.commit(unit);
    },
    close() {
      closed ??= commits.close().then(async () => {
        await lanes.close();
        reads.renew();
        reader.close();
        await searches.close();
        await writer.close();
      });
      return closed;
    },
  };
}

/**
 * Retries for up to ten seconds, without blocking this thread, while another process creates or migrates the
 * file.
 */
async function openReader(
  path: string,
  plan: MigrationPlan,
  schema: SqliteSchema,
): Promise<SqliteConnection> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await openMigrated(path, plan, schema);
    } catch (error) {
      if (!isSystemFailure(error)) throw error;
      if (classifyFailure(error) !== 'transient' || attempt === 100)
        throw new StoreUnavailableError(`cannot open the database ${path}: ${describeSqliteError(error)}`);
    }
    await sleep(50);
  }
}

async function openMigrated(
  path: string,
  plan: MigrationPlan,
  schema: SqliteSchema,
): Promise<SqliteConnection> {
  const connection = new SqliteConnection({ file: path, busyMilliseconds: 50, cacheKibibytes: 16_384 });
  const run = async (sql: string, parameters: readonly SqlValue[] = []) => connection.rows(sql, parameters);
  try {
    connection.database.exec('begin immediate');
    await migrate({ run }, dialect, plan);
    connection.database.exec('commit');
    if (!plan.isConversion) schema.check(connection.database, plan.place);
    // This connection only reads from now on; a write would bypass the group commit.
    connection.database.exec('pragma query_only = on; pragma busy_timeout = 1000;');
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function readRows(
  reads: TurnReads,
  path: string,
  sql: string,
  parameters: readonly SqlValue[],
): readonly SqlRow[] {
  try {
    return reads.rows(sql, parameters);
  } catch (error) {
    if (classifyFailure(error) === 'statement') throw error;
    throw new StoreUnavailableError(`cannot read ${path}: ${describeSqliteError(error)}`);
  }
}

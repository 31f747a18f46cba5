import pg from 'pg';
import { GroupCommit } from './group-commit.ts';
import type { LaneDriver } from './lane-driver.ts';
import { laneRenewal } from './lanes/lane-renewal.ts';
import { Lanes } from './lanes/lanes.ts';
import { migrations as released } from './migrations/index.ts';
import {
  type Migration,
  type MigrationPlan,
  type MigrationSession,
  migrate,
} from './migrations/migration.ts';
import { LockedUnits, lockedUnitMilliseconds } from './postgres-locked-units.ts';
import { Readers } from './postgres-readers.ts';
import { requireOwnSchema } from './postgres-schema.ts';
import { prepareSession, statementMilliseconds, toQuery, toRow, toStoreError } from './postgres-session.ts';
import { PostgresTargets } from './postgres-targets.ts';
import { minLockMilliseconds, RowsLockedError } from './postgres-units.ts';
import { PostgresWriter } from './postgres-writer.ts';
import type { Dialect, Read, SqlUnit, SqlValue } from './sql-driver.ts';
import { type CommitResult, type LockWait, SearchEndedError, StoreUnavailableError } from './store.ts';

const dialect: Dialect = {
  serial: 'bigint generated always as identity primary key',
  integer: 'bigint',
  blob: 'bytea',
  tableEnd: '',
  clusteredEnd: '',
  apart: ' offset 0',
  each: (outer, table, alias, condition) =>
    `${outer} cross join lateral (select ${alias}.* from ${table} ${alias} where ${condition} offset 0) ${alias} where true`,
  // With "=" an index on the second column alone would have the order, too, and rows of every first one.
  before: ([first, second], [equal, less]) =>
    `${first} >= ${equal} and (${first}, ${second}) < (${equal}, ${less}) and ${second} > 0 order by ${first} desc, ${second} desc`,
  // Another role than the owner may be without the right to read it.
  lastNumber: (table) =>
    `(select case when has_sequence_privilege(name, 'select') then coalesce(pg_sequence_last_value(name), 0) end from (select cast(pg_get_serial_sequence('${table}', 'seq') as regclass) as name) s)`,
  continueAfter: (table) =>
    `select setval(pg_get_serial_sequence('${table}', 'seq'), greatest(cast($1 as bigint), 1), cast($1 as bigint) > 0)`,
  newNumber: () => 'default',
  numbers: (parameter) =>
    `select cast(value as bigint) as seq from json_array_elements_text(cast(${parameter} as json))`,
};

/** `pg_advisory_xact_lock` key of schema changes: the bytes of "kmipd". */
const migrationLock = 0x6b6d697064;

/** Searches at the same time, on connections of their own: they keep no other read from its connection. */
const maxSearches = 4;
/** For one statement, of which a search has many; far beyond what its rows take. */
const maxSearchMilliseconds = 10_000;

/** For one statement of a snapshot; the longest count the rows of a table. */
const maxSnapshotMilliseconds = 600_000;

/** Longer than most commits of other nodes: a longer wait is for a lock that another application holds. */
const groupLockMilliseconds = 200;
const maxLockAttempts = 4;

/** Describes the sessions for which another one waits. */
const describeBlockers = `select format('process %s of role %s, application %s%s', pid, usename,
    coalesce(nullif(application_name, ''), 'unknown'), ' at ' || host(client_addr)) as session
  from pg_stat_activity where pid = any(pg_blocking_pids(cast($1 as int)))`;

/** Settings of a PostgreSQL driver. */
export interface PostgresOptions {
  /** Connections of this process for reading, besides those for searches and writing. */
  readonly readers?: number;
  /** Milliseconds that a statement of a search may take before the database ends it. */
  readonly searchMilliseconds?: number;
  /** How often a commit that has met a lock is tried, for half a second each. */
  readonly lockAttempts?: number;
  /** Is told of each commit that waits for a lock of another application. */
  readonly lockWait?: (wait: LockWait) => void;
  /** The schema; only tests use another one. */
  readonly migrations?: readonly Migration[];
  /** See `MigrationPlan`. */
  readonly isConversion?: boolean;
}

/**
 * Connects to PostgreSQL 14 or newer at a connection URI of libpq and migrates the schema. Reads and searches
 * have connections of their own, commits one pipelined connection, in groups. A call that loses its
 * connection before anything was written waits some seconds for the server, or for another one of the URI.
 *
 * @throws {SchemaTooNewError} when a newer kmipd has migrated the database.
 * @throws {FirstDesignError} when the database is to be converted first.
 * @throws {StoreUnavailableError} when the server cannot be used.
 */
export async function openPostgres(url: string, options: PostgresOptions = {}): Promise<LaneDriver> {
  const targets = new PostgresTargets(url);
  await targets.choose();
  const { migrations = released, isConversion = false } = options;
  await migrateSchema(targets, { place: targets.place, migrations, isConversion });
  const { readers: maxReaders = 8, searchMilliseconds = maxSearchMilliseconds } = options;
  const readers = new Readers(targets, maxReaders, statementMilliseconds, explainReadTimeout);
  const searchers = new Readers(targets, maxSearches, searchMilliseconds, explainSearchTimeout);
  let closed: Promise<void> | undefined;
  const requireOpen = () => {
    if (closed !== undefined) throw new StoreUnavailableError('the store is closed');
  };
  const read = async (sql: string, parameters: readonly SqlValue[]) => {
    requireOpen();
    return readers.read(toQuery(sql, parameters));
  };
  const lanes = new Lanes(read);
  const lockedSuffix = '-locked';
  const lockedUnits = new LockedUnits(
    new PostgresWriter(targets, () => lockedUnitMilliseconds, lanes.connection(lockedSuffix)),
    async (pid) =>
      (await readers.read(toQuery(describeBlockers, [pid]))).map(({ session }) => String(session)),
    options.lockWait ?? (() => {}),
    options.lockAttempts ?? maxLockAttempts,
  );
  const writer = new PostgresWriter(
    targets,
    () => (lockedUnits.isWaiting ? minLockMilliseconds : groupLockMilliseconds),
    lanes.connection(''),
  );
  const commits = new GroupCommit((units) => writer.write(units));
  lanes.renew = (suffix) => (suffix === lockedSuffix ? lockedUnits : commits).commit(laneRenewal);
  const pending = new Set<Promise<CommitResult>>();
  return {
    dialect,
    lanes,
    get counts() {
      return commits.counts;
    },
    searchSlots: maxSearches,
    read,
    async search(sql, parameters) {
      requireOpen();
      return searchers.read(toQuery(sql, parameters, 'once'));
    },
    async snapshot(work) {
      requireOpen();
      return readSnapshot(targets, work);
    },
    async commit(unit) {
      requireOpen();
      const result = commitAround(commits, lockedUnits, unit);
      pending.add(result);
      return result.finally(() => pending.delete(result));
    },
    close() {
      closed ??= Promise.allSettled(pending).then(async () => {
        await Promise.all([commits.close(), lockedUnits.close()]);
        await lanes.close();
        await Promise.all([writer.close(), readers.close(), searchers.close()]);
      });
      return closed;
    },
  };
}

function explainReadTimeout(milliseconds: number, place: string): Error {
  return new StoreUnavailableError(`${place} has ended a statement that took longer than ${milliseconds} ms`);
}

/** Clients read this message, so it does not name the server. */
function explainSearchTimeout(milliseconds: number): Error {
  return new SearchEndedError(`a statement of the search needs more than ${milliseconds} milliseconds`);
}

/** Commits a unit with others, or apart from them when another session keeps it from its rows. */
async function commitAround(
  commits: GroupCommit,
  lockedUnits: LockedUnits,
  unit: SqlUnit,
): Promise<CommitResult> {
  if (lockedUnits.concerns(unit)) return lockedUnits.commit(unit);
  try {
    return await commits.commit(unit);
  } catch (error) {
    if (!(error instanceof RowsLockedError)) throw error;
    return lockedUnits.commit(unit);
  }
}

/** As `SqlDriver.snapshot`, on a connection of its own. */
async function readSnapshot<T>(
  { settings, login, place, server }: PostgresTargets,
  work: (read: Read) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ ...settings, query_timeout: 0 });
  client.on('error', () => {});
  const explain = (error: unknown) => toStoreError(error, `cannot read ${place}`, login);
  try {
    await client.connect();
    await prepareSession(client, server, { writes: false, statementMilliseconds: maxSnapshotMilliseconds });
    await client.query('begin isolation level repeatable read read only');
    await client.query('savepoint statement');
  } catch (error) {
    await client.end().catch(() => {});
    throw explain(error);
  }
  let last: Promise<unknown> = Promise.resolve();
  const read: Read = (sql, parameters) => {
    // The client warns of a statement that is given while another one is executed.
    const rows = last.then(async () => (await client.query(toQuery(sql, parameters))).rows.map(toRow));
    // Otherwise the error of one statement would end the transaction for those after it.
    last = rows.catch(() => client.query('rollback to savepoint statement').catch(() => {}));
    return rows.catch((error) => {
      throw explain(error);
    });
  };
  return work(read).finally(() => client.end().catch(() => {}));
}

async function migrateSchema(
  { settings, login, place, server }: PostgresTargets,
  plan: MigrationPlan,
): Promise<void> {
  // Building an index on a large table takes longer than the time limit of the daemon's statements.
  const client = new pg.Client({ ...settings, query_timeout: 0 });
  client.on('error', () => {});
  try {
    await client.connect();
    await prepareSession(client, server, { writes: true, statementMilliseconds: 0 });
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [migrationLock]);
    const session: MigrationSession = {
      run: async (sql, parameters = []) =>
        (await client.query(toQuery(sql, parameters, 'once'))).rows.map(toRow),
    };
    await migrate(session, dialect, plan);
    if (!plan.isConversion) await requireOwnSchema(session, dialect, plan);
    await client.query('commit');
  } catch (error) {
    throw toStoreError(error, `cannot open ${place}`, login);
  } finally {
    await client.end().catch(() => {});
  }
}

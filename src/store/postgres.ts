import pg from 'pg';
import { GroupCommit } from './group-commit.ts';
import { migrations as released } from './migrations/index.ts';
import { type Migration, migrate } from './migrations/migration.ts';
import {
  clientConfig,
  describeLocation,
  prepareSession,
  toQuery,
  toRow,
  toStoreError,
} from './postgres-session.ts';
import { PostgresWriter } from './postgres-writer.ts';
import type { Dialect, SqlDriver } from './sql-driver.ts';
import { StoreUnavailableError } from './store.ts';

const dialect: Dialect = {
  serial: 'bigint generated always as identity primary key',
  integer: 'bigint',
  blob: 'bytea',
  tableEnd: '',
  clusteredEnd: '',
  statistics: true,
};

/** `pg_advisory_xact_lock` key of schema changes: the bytes of "kmipd". */
const migrationLock = 0x6b6d697064;

/** Settings of a PostgreSQL driver. */
export interface PostgresOptions {
  /** Connections of this process for reading, besides the one for writing. */
  readonly readers?: number;
  /** The schema; only tests use another one. */
  readonly migrations?: readonly Migration[];
}

/**
 * Connects to PostgreSQL 14 or newer at `url` and migrates the schema. Reads use a pool, commits one
 * pipelined connection, in groups; the next call replaces a lost connection.
 *
 * @throws {SchemaTooNewError} when a newer kmipd has migrated the database.
 * @throws {StoreUnavailableError} when the server cannot be used.
 */
export async function openPostgres(url: string, options: PostgresOptions = {}): Promise<SqlDriver> {
  const place = describeLocation(url);
  const settings = clientConfig(url);
  await migrateSchema(settings, place, options.migrations ?? released);
  const pool = new pg.Pool({
    ...settings,
    max: options.readers ?? 8,
    idleTimeoutMillis: 60_000,
    onConnect: (client: pg.ClientBase) => prepareSession(client, place),
  });
  // The pool replaces a broken idle connection; without a listener the error would end the process.
  pool.on('error', () => {});
  const writer = new PostgresWriter(settings, place);
  const commits = new GroupCommit((units) => writer.write(units));
  let closed: Promise<void> | undefined;
  return {
    dialect,
    get counts() {
      return commits.counts;
    },
    async read(sql, parameters, once) {
      if (closed !== undefined) throw new StoreUnavailableError('the store is closed');
      try {
        return (await pool.query(toQuery(sql, parameters, once))).rows.map(toRow);
      } catch (error) {
        throw toStoreError(error, `cannot read ${place}`);
      }
    },
    commit: (unit) => commits.commit(unit),
    close() {
      closed ??= commits.close().then(async () => {
        await Promise.all([writer.close(), pool.end()]);
      });
      return closed;
    },
  };
}

async function migrateSchema(
  settings: pg.ClientConfig,
  place: string,
  migrations: readonly Migration[],
): Promise<void> {
  // Building an index on a large table takes longer than the time limit of the daemon's statements.
  const client = new pg.Client({ ...settings, query_timeout: 0 });
  client.on('error', () => {});
  try {
    await client.connect();
    await prepareSession(client, place);
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [migrationLock]);
    await migrate(
      {
        run: async (sql, parameters = []) =>
          (await client.query(toQuery(sql, parameters, 'once'))).rows.map(toRow),
      },
      dialect,
      place,
      migrations,
    );
    await client.query('commit');
  } catch (error) {
    throw toStoreError(error, `cannot open ${place}`);
  } finally {
    await client.end().catch(() => {});
  }
}

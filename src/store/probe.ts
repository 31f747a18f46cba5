import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { findTypeProblem } from '../common/regular-file.ts';
import type { StoredKeyring } from '../vault/vault.ts';
import { migrations } from './migrations/index.ts';
import { requireKnownSchema } from './migrations/migration.ts';
import { prepareSession, statementMilliseconds, toStoreError } from './postgres-session.ts';
import { PostgresTargets } from './postgres-targets.ts';
import { selectKeyring, toStoredKeyring } from './sql-keyrings.ts';
import { describeSqliteError } from './sqlite-connection.ts';
import { findMissed, findNameProblem, sqliteFileOf } from './sqlite-file.ts';
import { StoreUnavailableError } from './store.ts';

const missingTable = '42P01';

/** What a database has that the daemon could open. */
export interface ProbedStore {
  /** Undefined for a database that has to be created. */
  readonly keyring: StoredKeyring | undefined;
  /** False: opening it creates or migrates the schema. */
  readonly isMigrated: boolean;
}

const absent: ProbedStore = { keyring: undefined, isMigrated: false };
const newestVersion = migrations.at(-1)?.version;

/**
 * Finds out whether the daemon could open a store (`sqlite:FILE` or `postgres://…`), without creating or
 * migrating anything. `mustExist`: a SQLite file that is missing is an error.
 * @throws {StoreUnavailableError} when it could not; the message is one line.
 * @throws {SchemaTooNewError} when a newer kmipd has migrated the database.
 * @throws {FirstDesignError} when the daemon would convert the database.
 */
export async function probeStore(
  url: string,
  { mustExist = false }: { readonly mustExist?: boolean } = {},
): Promise<ProbedStore> {
  const file = sqliteFileOf(url);
  return file === undefined ? probePostgres(url) : probeSqlite(resolve(file), mustExist);
}

function probeSqlite(file: string, mustExist: boolean): ProbedStore {
  const fail = (why: string): never => {
    throw new StoreUnavailableError(`cannot open the database ${file}: ${why}`);
  };
  const directory = nearestDirectory(file);
  try {
    // SQLite writes a log and an index beside the file.
    accessSync(directory, constants.W_OK | constants.X_OK);
    if (existsSync(file)) accessSync(file, constants.R_OK | constants.W_OK);
  } catch (error) {
    fail(
      `${(error as NodeJS.ErrnoException).path} cannot be written by this user (${(error as NodeJS.ErrnoException).code})`,
    );
  }
  const present = statSync(file, { throwIfNoEntry: false });
  const typeProblem = present && findTypeProblem(present);
  if (typeProblem !== undefined) fail(typeProblem);
  const missed = findMissed(file, mustExist);
  if (missed !== undefined) fail(missed);
  if (present === undefined) return absent;
  const problem = findNameProblem(file);
  if (problem !== undefined) fail(problem);
  if (present.size === 0) return absent;
  let database: DatabaseSync | undefined;
  let version = 0;
  let keyring: StoredKeyring | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
    const tables = database.prepare("select name from sqlite_schema where type = 'table'").all();
    const names = tables.map(({ name }) => name);
    if (names.includes('migration'))
      version = Number(
        database.prepare('select coalesce(max(version), 0) as version from migration').get()?.version,
      );
    if (names.includes('keyring')) {
      const row = database.prepare(selectKeyring).get();
      keyring = row && toStoredKeyring(row);
    }
  } catch (error) {
    fail(describeSqliteError(error));
  } finally {
    database?.close();
  }
  requireKnownSchema(version, `sqlite:${file}`, migrations);
  return { keyring, isMigrated: version === newestVersion };
}

/**
 * The directory of a file, or the nearest one above it that exists: the missing ones would be created there.
 */
function nearestDirectory(file: string): string {
  for (let directory = dirname(file); ; directory = dirname(directory))
    if (existsSync(directory) || directory === dirname(directory)) return directory;
}

async function probePostgres(url: string): Promise<ProbedStore> {
  const targets = new PostgresTargets(url);
  await targets.choose();
  const client = new pg.Client(targets.settings);
  client.on('error', () => {});
  try {
    await client.connect();
    await prepareSession(client, targets.server, { writes: true, statementMilliseconds });
    const { rows } = await client.query('select coalesce(max(version), 0)::int as version from migration');
    requireKnownSchema(rows[0].version, targets.place, migrations);
    const [row] = (await client.query(selectKeyring)).rows;
    const keyring = row && toStoredKeyring(row);
    return { keyring, isMigrated: rows[0].version === newestVersion };
  } catch (error) {
    if ((error as { code?: unknown }).code === missingTable) return absent;
    throw toStoreError(error, `cannot open ${targets.place}`, targets.login);
  } finally {
    await client.end().catch(() => {});
  }
}

import type { KeyringStore } from '../vault/vault.ts';
import type { Lanes } from './lanes/lanes.ts';
import type { SearchLimits } from './object-search.ts';
import { openPostgres } from './postgres.ts';
import type { SqlDriver } from './sql-driver.ts';
import { createSqlKeyrings } from './sql-keyrings.ts';
import { createSqlStore } from './sql-store.ts';
import { openSqlite } from './sqlite.ts';
import { sqliteFileOf } from './sqlite-file.ts';
import { type LockWait, type Store, StoreUnavailableError } from './store.ts';

/** One database. */
export interface Database {
  readonly keyrings: KeyringStore;
  /** Objects and records. */
  readonly store: Store;
  /** To be started before sealed rows are written. */
  readonly lanes: Lanes;
  /** Finishes pending commits, then closes the connections. */
  close(): Promise<void>;
}

/** How a database is used. */
export interface DatabaseOptions {
  /** Bounds of searches; the default limits when left out. */
  readonly limits?: SearchLimits;
  /** Is told of each commit that waits for another application of the database. */
  readonly lockWait?: ((wait: LockWait) => void) | undefined;
  /** Whether a SQLite file that is missing is an error; false where it may be created. */
  readonly mustExist?: boolean;
  /** See `MigrationPlan`. */
  readonly isConversion?: boolean;
}

/**
 * Opens `sqlite:FILE` (relative to the working directory, created when absent unless it must exist) or
 * `postgres://…`, and migrates the schema. Both errors have a one-line message for the operator.
 *
 * @throws {StoreUnavailableError} when the database cannot be used or the URL is of another kind.
 * @throws {SchemaTooNewError} when a newer kmipd has migrated the database.
 * @throws {FirstDesignError} when the database is to be converted first.
 */
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database> {
  const driver = await openDriver(url, options);
  return {
    keyrings: createSqlKeyrings(driver),
    store: createSqlStore(driver, options.limits),
    lanes: driver.lanes,
    close: () => driver.close(),
  };
}

/** As `openDatabase`: only the connections, over which any statement can be run. */
export async function openDriver(url: string, options: DatabaseOptions = {}): Promise<SqlDriver> {
  const { lockWait, mustExist = false, isConversion = false } = options;
  const file = sqliteFileOf(url);
  if (file !== undefined) return openSqlite(file, { mustExist, isConversion });
  if (/^postgres(ql)?:\/\//.test(url))
    return openPostgres(url, { isConversion, ...(lockWait && { lockWait }) });
  // The scheme only: the rest may hold a password.
  throw new StoreUnavailableError(
    `unknown store "${url.split(':', 1)[0]}:": use sqlite:FILE or postgres://USER@HOST/DATABASE`,
  );
}

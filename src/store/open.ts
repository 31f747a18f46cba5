import type { ClientDirectory } from '../identity/principal.ts';
import type { WrappedKeyStore } from '../vault/vault.ts';
import { openPostgres } from './postgres.ts';
import { createSqlClients } from './sql-clients.ts';
import { createSqlWrappedKeyStore } from './sql-sealing-keys.ts';
import { createSqlStore } from './sql-store.ts';
import { openSqlite } from './sqlite.ts';
import { type Store, StoreUnavailableError } from './store.ts';

/** Everything that rests in one database. */
export interface OpenStore {
  readonly store: Store;
  readonly clients: ClientDirectory;
  readonly wrappedKeys: WrappedKeyStore;
  /** Finishes pending commits, then closes all three. */
  close(): Promise<void>;
}

/**
 * Opens `sqlite:FILE` (relative to the working directory, created when absent) or `postgres://…`, and migrates the
 * schema. Throws StoreUnavailableError or SchemaTooNew, each with one line for the operator.
 */
export async function openStore(url: string): Promise<OpenStore> {
  const driver = await openDriver(url);
  return {
    store: createSqlStore(driver),
    clients: createSqlClients(driver),
    wrappedKeys: createSqlWrappedKeyStore(driver),
    close: () => driver.close(),
  };
}

function openDriver(url: string) {
  if (url.startsWith('sqlite:') && url.length > 'sqlite:'.length)
    return openSqlite(url.slice('sqlite:'.length));
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres(url);
  // The scheme only: the rest may hold a password.
  throw new StoreUnavailableError(
    `unknown store "${url.split(':', 1)[0]}:": use sqlite:FILE or postgres://USER@HOST/DATABASE`,
  );
}

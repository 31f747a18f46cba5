import { lockDatabase } from '../cli/state-directory/database-lock.ts';
import { type OpenStore, openStore } from '../store/open.ts';
import { type LocalVault, openLocalVault } from '../vault/local.ts';
import { logLockWaits } from './lock-waits.ts';
import type { StartContext } from './start-context.ts';

/** The open database and the vault whose sealing keys lie in it. */
export interface Backends extends Omit<OpenStore, 'close'> {
  readonly vault: LocalVault;
}

/**
 * Locks and opens the database, then the vault. A missing root key leaves the vault sealed and does not fail
 * the start.
 * @throws {CommandError} when another daemon uses the database, unless that is PostgreSQL.
 * @throws {StoreUnavailableError} when the database cannot be opened.
 * @throws {SchemaTooNewError} when a newer kmipd has migrated the database.
 */
export async function openBackends({
  stateDirectory,
  config,
  log,
  closing,
  mustStoreExist: mustExist,
}: StartContext): Promise<Backends> {
  const lock = lockDatabase(config.store, mustExist);
  closing.defer(() => lock?.release());
  const { store, clients, wrappedKeys, close } = await openStore(config.store, {
    limits: config.limits,
    lockWait: logLockWaits(log, Date.now),
    mustExist,
  });
  closing.defer(close);
  const vault = await openLocalVault({ rootKeyFile: stateDirectory.rootKey, wrappedKeys });
  closing.defer(() => vault.close());
  return { store, clients, wrappedKeys, vault };
}

import type { Config } from '../../config/index.ts';
import { readStoreUrl } from '../../config/values.ts';
import type { ClientDirectory } from '../../identity/principal.ts';
import type { ManagedTokens } from '../../management/api.ts';
import type { ManagedAudit } from '../../management/managed-audit.ts';
import type { ManagedNodes } from '../../management/managed-nodes.ts';
import type { ManagedRoots } from '../../management/managed-roots.ts';
import { StoredClients } from '../../protocol/authentication/client-directory.ts';
import type { Database } from '../../store/open.ts';
import type { Store } from '../../store/store.ts';
import type { LocalVault } from '../../vault/local-vault.ts';
import type { KeyringStore } from '../../vault/vault.ts';
import { readOption } from '../command.ts';
import { CommandError } from '../failure.ts';
import { openDatabaseOf } from './open-database.ts';
import { attendanceAtTerminal } from './root-attendance.ts';
import type { RootAttendance } from './root-sources.ts';
import { requireInitialised, type StateDirectory } from './state-directory.ts';

/** The database of a state directory, the vault that opens its rows, and the clients among them. */
export interface CommandBackends {
  readonly store: Store;
  /** Unsealed, but for the access `look`. */
  readonly vault: LocalVault;
  readonly clients: ClientDirectory;
  readonly snapshot: Database['snapshot'];
  readonly sealedRows: Database['sealedRows'];
  readonly nodes: ManagedNodes;
  readonly managedAudit: ManagedAudit;
  readonly roots: ManagedRoots;
  readonly tokens: ManagedTokens;
  /** For the operator who accepts a database that kmipd does not. */
  readonly repair: Database['repair'];
  readonly keyrings: KeyringStore;
  readonly config: Config;
}

/**
 * Opens the database and the vault of a state directory while `work` runs and resolves to its result; a
 * daemon may have them open too. `storeOption`: another database than that of the configuration. Of the
 * commands that write, one runs at a time; one with the access `read` waits for none, cannot write, and is
 * refused a database that was put back too; one that verifies or accepts the database does not wait either,
 * and gets what the others are refused; `look` is for what needs no row, with a sealed vault too.
 * `attendance`: the people who open the root.
 * @throws {CommandError} when the state directory is not initialised, the root key cannot be used, or the
 *   database was put back or changed by somebody else.
 * @throws {StoreUnavailableError} when the database cannot be opened.
 */
export async function withBackends<T>(
  stateDirectory: StateDirectory,
  storeOption: string | undefined,
  work: (backends: CommandBackends) => Promise<T>,
  access: 'read' | 'write' | 'verify' | 'look' = 'write',
  attendance: RootAttendance = attendanceAtTerminal(),
): Promise<T> {
  const config = requireInitialised(stateDirectory);
  const url = readOption('store', storeOption, readStoreUrl) ?? config.store;
  const { close, ...opened } = await openDatabaseOf(
    stateDirectory,
    { ...config, store: url },
    {
      mustExist: true,
      refreshSeconds: 0,
      isUnprotected: access === 'verify' || access === 'look',
      attendance,
      ...(access === 'write' && { lanes: { process: 'command' } }),
    },
  );
  try {
    const { store, vault } = opened;
    if (!vault.unsealed && access !== 'look')
      throw new CommandError(`the vault is sealed: ${vault.sealedBecause}`);
    return await work({ ...opened, config, clients: new StoredClients(store, vault) });
  } finally {
    await close();
  }
}

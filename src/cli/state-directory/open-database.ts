import type { Config } from '../../config/index.ts';
import { redactStoreUrl } from '../../config/values.ts';
import { type Database, type DatabaseOptions, openDatabase } from '../../store/open.ts';
import type { ForgedRow } from '../../vault/forged-row.ts';
import { type LocalVault, openLocalVault } from '../../vault/local.ts';
import type { StateDirectory } from './state-directory.ts';

/** The database of a state directory and the vault that opens its rows. */
export interface OpenedDatabase extends Pick<Database, 'store' | 'keyrings'> {
  readonly vault: LocalVault;
  close(): Promise<void>;
}

export interface OpenedDatabaseOptions extends DatabaseOptions {
  /** Is told of each row that does not open. */
  readonly forged?: (row: ForgedRow) => void;
  /** Seconds between reads of the keyring; 0 for commands, which end before. */
  readonly refreshSeconds?: number;
}

/**
 * Opens the database of a configuration, then the vault. Without the root key the vault is sealed.
 *
 * @throws {StoreUnavailableError} when the database cannot be opened.
 * @throws {SchemaTooNewError} when a newer kmipd has migrated it.
 */
export async function openDatabaseOf(
  { rootKey, keyringPin }: StateDirectory,
  { store: url, limits }: Pick<Config, 'store' | 'limits'>,
  { forged, refreshSeconds, ...options }: OpenedDatabaseOptions = {},
): Promise<OpenedDatabase> {
  const database = await openDatabase(url, { limits, ...options });
  try {
    const vault = await openLocalVault({
      rootKeyFile: rootKey,
      keyrings: database.keyrings,
      pin: { file: keyringPin, database: redactStoreUrl(url), mayBeNew: options.mustExist !== true },
      ...(forged && { forged }),
      ...(refreshSeconds !== undefined && { refreshSeconds }),
    });
    const close = async () => {
      await vault.close();
      await database.close();
    };
    return { store: database.store, keyrings: database.keyrings, vault, close };
  } catch (error) {
    await database.close();
    throw error;
  }
}

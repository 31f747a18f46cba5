import { CommandError } from '../cli/failure.ts';
import type { SqlRow } from '../store/sql-driver.ts';
import { deriveVaultKey } from '../vault/keyed-hash.ts';
import { readRootKey } from '../vault/root-key.ts';
import { foreignRootMessage } from '../vault/root-messages.ts';
import {
  type OldContext,
  type OldSealingKey,
  openOldBox,
  readSealingKeyId,
  unwrapSealingKey,
} from './old-boxes.ts';

/** The sealing keys of the first design, which only open. */
export class OldVault {
  readonly #keys: ReadonlyMap<number, OldSealingKey>;
  /** Of the root key, because the keyring is another one in each attempt. */
  readonly inventoryKey: Uint8Array;

  /**
   * Decrypts the rows of `selectSealingKeys` under the root key in a file.
   * @throws {CommandError} when the file is missing or has another key.
   * @throws {VaultUnavailableError} when the file cannot be read.
   */
  constructor(rootKeyFile: string, rows: readonly SqlRow[]) {
    const rootKey = readRootKey(rootKeyFile);
    if (rootKey === undefined)
      throw new CommandError(
        `the root key ${rootKeyFile} is missing, and the database cannot be converted without it: restore it from its backup`,
      );
    try {
      this.inventoryKey = deriveVaultKey(rootKey.bytes, new Uint8Array(), 'kmipd/2 first design inventory');
      this.#keys = new Map(
        rows.map(({ id, wrapped }) => {
          const key = unwrapSealingKey(rootKey.bytes, id as number, wrapped as Uint8Array);
          if (key === undefined) throw new CommandError(foreignRootMessage({ uri: `file:${rootKeyFile}` }));
          return [id as number, key];
        }),
      );
    } finally {
      rootKey.wipe();
    }
  }

  /** Decrypts a box; undefined when it belongs to another row, was changed, or its key is not there. */
  open(context: OldContext, sealed: Uint8Array): Uint8Array | undefined {
    const key = this.#keys.get(readSealingKeyId(sealed) ?? 0);
    return key && openOldBox(key, context, sealed);
  }

  /** Overwrites the keys. */
  close(): void {
    this.inventoryKey.fill(0);
    for (const each of this.#keys.values()) for (const key of Object.values(each)) key.fill(0);
  }
}

import { deriveVaultKey, keyedHash } from './keyed-hash.ts';
import { epochBytes } from './vault.ts';

/** Hexadecimal digits of the name of a database. */
const nameDigits = 32;

/** The hashes of one set secret: the elements of rows in the set hash, and a name of the database. */
export class HashedSet {
  /** The first epoch of which rows are hashed by it. */
  readonly epoch: number;
  readonly #elementKey: Uint8Array;

  /** `salt` identifies the database. */
  constructor(epoch: number, secret: Uint8Array, salt: Uint8Array) {
    this.epoch = epoch;
    this.#elementKey = deriveVaultKey(secret, salt, 'kmipd/2 element');
  }

  /** See `Vault.element`. */
  element(table: string, id: string, version: number, tag: Uint8Array): bigint {
    return BigInt(`0x${this.#hash(table, id, version, tag.subarray(epochBytes))}`);
  }

  /** See `Vault.storeNames`. */
  get storeName(): string {
    return this.#hash('store', '', 0, new Uint8Array()).slice(0, nameDigits);
  }

  /** Overwrites the key. */
  wipe(): void {
    this.#elementKey.fill(0);
  }

  #hash(table: string, id: string, version: number, tag: Uint8Array): string {
    const number = new Uint8Array(8);
    new DataView(number.buffer).setBigUint64(0, BigInt(version));
    return keyedHash(this.#elementKey, table, id, number, tag);
  }
}

import { deriveVaultKey, keyedHash } from './keyed-hash.ts';
import type { KeyPurpose } from './vault.ts';

/** Keyed hashes by which rows are found, under the index secret, and summed up, under the set secret. */

/** Hexadecimal digits of a term: 52 bits, so that it is a safe integer. */
const termDigits = 13;
/** Hexadecimal digits of a key: 128 bits, so that nobody's names meet by chance. */
const keyDigits = 32;

export class HashedIndex {
  readonly #indexSecret: Uint8Array;
  readonly #salt: Uint8Array;
  readonly #lookupKey: Uint8Array;
  readonly #elementKey: Uint8Array;
  /** One for each group, so that a reader of the database compares values within one group only. */
  readonly #groupKeys = new Map<string, Uint8Array>();

  /** Takes over the bytes of the index secret. */
  constructor(indexSecret: Uint8Array, setSecret: Uint8Array, salt: Uint8Array) {
    this.#indexSecret = indexSecret;
    this.#salt = salt;
    this.#lookupKey = deriveVaultKey(indexSecret, salt, 'kmipd/2 lookup');
    this.#elementKey = deriveVaultKey(setSecret, salt, 'kmipd/2 element');
  }

  /** See `Vault.term`. */
  term(group: string, attribute: string, field: string, value: string | number): number {
    const type = typeof value === 'number' ? 'number' : 'text';
    const digest = keyedHash(this.#groupKey(group), attribute, field, type, String(value));
    return Number.parseInt(digest.slice(0, termDigits), 16);
  }

  /** See `Vault.key`. */
  key(purpose: KeyPurpose, parts: readonly string[]): string {
    return keyedHash(this.#lookupKey, purpose, ...parts).slice(0, keyDigits);
  }

  /** See `Vault.element`. */
  element(table: string, id: string, version: number, tag: Uint8Array): bigint {
    const number = new Uint8Array(8);
    new DataView(number.buffer).setBigUint64(0, BigInt(version));
    return BigInt(`0x${keyedHash(this.#elementKey, table, id, number, tag)}`);
  }

  /** Overwrites the keys. */
  wipe(): void {
    for (const key of [this.#indexSecret, this.#lookupKey, this.#elementKey, ...this.#groupKeys.values()])
      key.fill(0);
    this.#groupKeys.clear();
  }

  #groupKey(group: string): Uint8Array {
    const known = this.#groupKeys.get(group);
    if (known !== undefined) return known;
    const key = deriveVaultKey(this.#indexSecret, this.#salt, 'kmipd/2 index', group);
    this.#groupKeys.set(group, key);
    return key;
  }
}

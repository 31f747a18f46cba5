import { deriveVaultKey, keyedHash } from './keyed-hash.ts';
import type { KeyPurpose, RowIndex } from './vault.ts';

/** Hexadecimal digits of a term: 52 bits, so that it is a safe integer. */
const termDigits = 13;
/** Hexadecimal digits of a key: 128 bits, so that nobody's names meet by chance. */
const keyDigits = 32;

/** The hashes of one index secret. */
export class HashedIndex implements RowIndex {
  readonly epoch: number;
  readonly #secret: Uint8Array;
  readonly #salt: Uint8Array;
  readonly #lookupKey: Uint8Array;
  /** One for each group, so that a reader of the database compares values within one group only. */
  readonly #groupKeys = new Map<string, Uint8Array>();

  /** Takes over the bytes of the secret. `salt` identifies the database. */
  constructor(epoch: number, secret: Uint8Array, salt: Uint8Array) {
    this.epoch = epoch;
    this.#secret = secret;
    this.#salt = salt;
    this.#lookupKey = deriveVaultKey(secret, salt, 'kmipd/2 lookup');
  }

  term(group: string, attribute: string, field: string, value: string | number): number {
    const type = typeof value === 'number' ? 'number' : 'text';
    const digest = keyedHash(this.#groupKey(group), attribute, field, type, String(value));
    return Number.parseInt(digest.slice(0, termDigits), 16);
  }

  key(purpose: KeyPurpose, ...parts: readonly string[]): string {
    return keyedHash(this.#lookupKey, purpose, ...parts).slice(0, keyDigits);
  }

  /** Overwrites the keys. */
  wipe(): void {
    for (const key of [this.#secret, this.#lookupKey, ...this.#groupKeys.values()]) key.fill(0);
    this.#groupKeys.clear();
  }

  #groupKey(group: string): Uint8Array {
    const known = this.#groupKeys.get(group);
    if (known !== undefined) return known;
    const key = deriveVaultKey(this.#secret, this.#salt, 'kmipd/2 index', group);
    this.#groupKeys.set(group, key);
    return key;
  }
}

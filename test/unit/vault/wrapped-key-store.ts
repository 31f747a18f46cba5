import type { WrappedKeyStore, WrappedSealingKey } from '../../../src/vault/vault.ts';

/** Wrapped keys in memory; a test may change `keys` without the vault. */
export interface MemoryKeyStore extends WrappedKeyStore {
  keys: WrappedSealingKey[];
  /** Number of calls of `list`. */
  lists: number;
}

/** Creates a store with some keys. */
export function memoryKeyStore(...keys: WrappedSealingKey[]): MemoryKeyStore {
  return {
    keys,
    lists: 0,
    async list() {
      this.lists += 1;
      return [...this.keys];
    },
    async add(key) {
      await undefined;
      if (this.keys.some(({ id }) => id === key.id)) return false;
      this.keys.push(key);
      return true;
    },
  };
}

import type { WrappedKeyStore, WrappedSealingKey } from '../../../src/vault/vault.ts';

/** A shelf in memory; `keys` may be changed behind the vault's back. */
export interface TestShelf extends WrappedKeyStore {
  keys: WrappedSealingKey[];
  lists: number;
}

export function shelf(...keys: WrappedSealingKey[]): TestShelf {
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

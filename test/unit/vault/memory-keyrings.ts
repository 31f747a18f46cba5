import type { KeyringStore, StoredKeyring } from '../../../src/vault/vault.ts';

/** A keyring in memory; a test may change `stored` without the vault. */
export interface MemoryKeyrings extends KeyringStore {
  stored: StoredKeyring | undefined;
  /** Number of calls of `read`. */
  reads: number;
}

/** Creates a place for a keyring. */
export function memoryKeyrings(stored?: StoredKeyring): MemoryKeyrings {
  return {
    stored,
    reads: 0,
    async read() {
      this.reads += 1;
      return this.stored;
    },
    async write(keyring) {
      await undefined;
      if ((this.stored?.generation ?? 0) !== keyring.generation - 1) return false;
      this.stored = keyring;
      return true;
    },
  };
}

import type { ObjectIndexes } from '../src/object/search-index.ts';
import type { RowIndex, Vault } from '../src/vault/vault.ts';

/** Returns the index of rows that a vault seals at the time. */
export function currentIndex(vault: Pick<Vault, 'indexOf' | 'currentEpoch'>): RowIndex {
  return vault.indexOf(vault.currentEpoch);
}

/** Returns the key of a record that is sealed at the time. */
export function recordKey(vault: Vault, kind: string, id: string): string {
  return currentIndex(vault).key('record', kind, id);
}

/** The indexes of an object that is written while there is one only. */
export function onlyIndex(vault: Vault): ObjectIndexes {
  const index = currentIndex(vault);
  return { next: index, last: index, all: [index] };
}

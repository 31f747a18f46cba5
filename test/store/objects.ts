import type { IndexEntry, Store, StoredObject, StoreUnit } from '../../src/store/store.ts';
import type { SealedKey } from '../../src/vault/vault.ts';

/** Objects and units for the store's tests. */

export function entry(attribute: string, value: string | number, field = '', instance = 0): IndexEntry {
  return typeof value === 'string'
    ? { attribute, field, instance, text: value, number: null }
    : { attribute, field, instance, text: null, number: value };
}

export function sealed(...bytes: number[]): SealedKey {
  return Uint8Array.from(bytes) as SealedKey;
}

export function object(id: string, more: Partial<StoredObject> = {}): StoredObject {
  return {
    id,
    group: 'blue',
    objectType: 'SymmetricKey',
    version: 1,
    attributes: new TextEncoder().encode(`attributes of ${id}`),
    sealed: sealed(1, 2, 3, 0, 255),
    index: [],
    uniqueKeys: [],
    ...more,
  };
}

export function unit(more: Partial<StoreUnit>): StoreUnit {
  return { expects: [], inserts: [], updates: [], ...more };
}

/** Commits `objects` as new ones in one unit; anything but success throws. */
export async function add(store: Store, ...objects: StoredObject[]): Promise<void> {
  const result = await store.commit(unit({ inserts: objects }));
  if (result !== 'committed') throw new Error(`adding ${objects.length} objects gave ${result}`);
}

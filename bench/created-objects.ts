/** What the benchmarks of the store insert, and how they count it. */
import { randomBytes } from 'node:crypto';
import { type ColumnName, objectColumns } from '../src/store/columns.ts';
import type { IndexTerm, StoredObject } from '../src/store/store.ts';
import type { SealedKey } from '../src/vault/vault.ts';

/** Those that a Create sets. */
const columnsOfKey: readonly ColumnName[] = [
  ...(['ObjectType', 'CryptographicAlgorithm', 'CryptographicLength', 'CryptographicUsageMask'] as const),
  ...(['State', 'Fresh', 'InitialDate', 'LastChangeDate', 'OriginalCreationDate'] as const),
  ...(['Sensitive', 'Extractable'] as const),
];
const columns = Object.fromEntries(
  Object.keys(objectColumns).map((name) => [name, columnsOfKey.includes(name as ColumnName) ? 3 : null]),
) as StoredObject['columns'];

/** An object of the size of an AES key with the attributes that a Create sets. */
export function createObject(id: string): StoredObject {
  const term = (): IndexTerm => ({ term: randomBytes(6).readUIntBE(0, 6), instance: 0 });
  return {
    ...{ id, group: 'default', objectType: 'SymmetricKey', version: 1, replacedTag: null },
    box: new Uint8Array(randomBytes(716)) as Uint8Array as SealedKey,
    value: null,
    columns,
    // Of digest and short identifier.
    terms: { add: [term(), term()], remove: [] },
    uniqueNames: { add: [], remove: [] },
  };
}

/** Calls `write` with `lanes` calls in flight until the time is over; returns calls per second. */
export async function measureRate(
  lanes: number,
  seconds: number,
  write: () => Promise<unknown>,
): Promise<number> {
  const started = performance.now();
  let calls = 0;
  const lane = async () => {
    for (; performance.now() - started < seconds * 1000; calls += 1) await write();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return (calls * 1000) / (performance.now() - started);
}

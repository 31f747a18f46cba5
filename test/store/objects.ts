import { createHash } from 'node:crypto';
import { type ColumnName, objectColumns } from '../../src/store/columns.ts';
import type {
  Difference,
  Filter,
  FoundObjects,
  IndexTerm,
  ObjectColumns,
  ObjectQuery,
  Store,
  StoredObject,
  StoredRecord,
  StoreUnit,
  WrittenRecord,
} from '../../src/store/store.ts';
import { boxTag, type SealedKey } from '../../src/vault/vault.ts';

/** Objects, records and units for the store's tests. The store does not look into boxes. */

/** A box of some bytes, which nothing can open. */
export function box(...bytes: number[]): SealedKey {
  return Uint8Array.from([
    ...new Uint8Array(18),
    ...bytes,
    ...new Uint8Array(16).fill(bytes[0] ?? 0),
  ]) as SealedKey;
}

/** A number for the value of a field of an attribute, as the vault's terms are. */
export function termOf(attribute: string, value: string | number, field = ''): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([attribute, field, value]))
    .digest();
  return digest.readUIntBE(0, 6);
}

export function term(attribute: string, value: string | number, field = '', instance = 0): IndexTerm {
  return { term: termOf(attribute, value, field), instance };
}

const noColumns = Object.fromEntries(Object.keys(objectColumns).map((name) => [name, null])) as ObjectColumns;

interface ObjectParts extends Partial<Omit<StoredObject, 'columns' | 'terms' | 'uniqueNames'>> {
  readonly columns?: Partial<Readonly<Record<ColumnName, number | null>>>;
  readonly terms?: Partial<Difference<IndexTerm>>;
  readonly uniqueNames?: Partial<Difference<string>>;
}

/** A new object, or with a `version` the next one of an object. */
export function object(id: string, { columns, terms, uniqueNames, ...more }: ObjectParts = {}): StoredObject {
  const { version = 1 } = more;
  return {
    id,
    group: 'blue',
    objectType: 'SymmetricKey',
    version,
    box: box(version, 2, 3, 0, 255),
    value: null,
    columns: { ...noColumns, ...columns },
    terms: { add: [], remove: [], ...terms },
    uniqueNames: { add: [], remove: [], ...uniqueNames },
    replacedTag: version === 1 ? null : boxTag(box(version - 1, 2, 3, 0, 255)),
    ...more,
  };
}

/** A record under the name of its kind and `id`, as it is read. */
export function storedRecord(id: string, more: Partial<StoredRecord> = {}): StoredRecord {
  const { kind = 'note' } = more;
  const key = `key of ${kind} ${id}`;
  return { kind, key, group: 'blue', version: 1, expires: null, box: box(1, 0, 255), ...more };
}

/** The same record as it is written. */
export function record(id: string, more: Partial<StoredRecord> = {}): WrittenRecord {
  const stored = storedRecord(id, more);
  return { ...stored, replacedTag: stored.version === 1 ? null : boxTag(stored.box) };
}

export function unit(more: Partial<StoreUnit>): StoreUnit {
  return { expects: [], inserts: [], updates: [], ...more };
}

/** Commits `objects` as new ones in one unit; anything but success throws. */
export async function add(store: Store, ...objects: StoredObject[]): Promise<void> {
  const result = await store.commit(unit({ inserts: objects }));
  if (result !== 'committed') throw new Error(`adding ${objects.length} objects gave ${result}`);
}

/** Finds objects of the group "blue" where every object that is found matches. */
export function findAll(
  store: Store,
  filter: Filter = { all: [] },
  more: Partial<ObjectQuery> = {},
): Promise<FoundObjects> {
  return store.find({ group: 'blue', filter, isExact: true, offset: 0, limit: 10, ...more }, () => true);
}

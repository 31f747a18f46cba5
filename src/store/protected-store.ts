import { boxTag, type ForgedRow, SealBrokenError } from '../vault/vault.ts';
import type { ClientMirror } from './lanes/client-mirror.ts';
import type { RowMemory, SeenRow } from './lanes/row-memory.ts';
import { clientRecordKinds } from './lanes/set-hash.ts';
import type { FoundObjects, LoadedObject, Store, StoredRecord } from './store.ts';

/** How often a record of a client is read that other processes change at the same time. */
const maxReads = 3;

/** How earlier versions of rows are recognised. */
export interface RowProtection {
  readonly memory: RowMemory;
  /** Undefined for processes that let nobody in by the records of clients. */
  clients: ClientMirror | undefined;
  /** Is told of each row that is not served. */
  readonly forged: (row: ForgedRow) => void;
}

/**
 * Returns a store that serves no earlier version of a row than this process has seen, of clients only what
 * the lanes state. Such a row is refused like a forged one: the methods that read by identifier or key throw
 * SealBrokenError, the others leave it out.
 */
export function protectRows(store: Store, protection: RowProtection): Store {
  const { memory } = protection;
  return {
    ...store,
    async load(group, ids) {
      const rows = await readAgainIfOld(memory, () => store.load(group, ids));
      for (const row of rows) requireServed(protection, row);
      return rows;
    },
    async find(query, match) {
      const suspects = new Set<string>();
      const found = await store.find(query, (row) => {
        if (memory.isOld(toSeen(row))) suspects.add(row.id);
        return match(row);
      });
      if (suspects.size === 0) return found;
      // A search may have read a row before a commit of which this process has heard since.
      const rows = await store.load(query.group, [...suspects]);
      return omit(found, new Set(rows.filter((row) => !isServed(protection, row)).map(({ id }) => id)));
    },
    async record(kind, key) {
      const { clients } = protection;
      if (clients !== undefined && clientRecordKinds.includes(kind))
        return readClientRecord(store, protection, clients, kind, key);
      const rows = await readAgainIfOld(memory, async () => [await store.record(kind, key)]);
      const [row] = rows;
      if (row !== undefined) requireServed(protection, row);
      return row;
    },
    async records(query) {
      const rows = await readAgainIfOld(memory, () => store.records(query));
      return rows.filter((row) => isServed(protection, row));
    },
  };
}

/** Reads rows, once more when one may be older than a commit of which this process has heard meanwhile. */
async function readAgainIfOld<T extends LoadedObject | StoredRecord | undefined>(
  memory: RowMemory,
  read: () => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const rows = await read();
  return rows.some((row) => row !== undefined && memory.isOld(toSeen(row))) ? read() : rows;
}

/** Reads a record of a client, which must be there or not as the lanes state. */
async function readClientRecord(
  store: Store,
  { forged }: RowProtection,
  clients: ClientMirror,
  kind: string,
  key: string,
): Promise<StoredRecord | undefined> {
  for (let reads = 1; reads <= maxReads; reads += 1) {
    const row = await store.record(kind, key);
    if (clients.matches(key, row && toSeen(row))) return row;
    if ((await clients.compare()) !== undefined) break;
  }
  forged({ table: 'sealed_record', id: `${kind} ${key}` });
  throw refusal({ table: 'sealed_record', id: `${kind} ${key}` });
}

function requireServed(protection: RowProtection, row: LoadedObject | StoredRecord): void {
  if (!isServed(protection, row)) throw refusal(rowOf(row));
}

function isServed({ memory, forged }: RowProtection, row: LoadedObject | StoredRecord): boolean {
  const isOld = memory.isOld(toSeen(row));
  if (isOld) forged(rowOf(row));
  return !isOld;
}

function refusal({ table, id }: ForgedRow): SealBrokenError {
  return new SealBrokenError(`the row of ${table} ${JSON.stringify(id)} is missing, or an earlier version`);
}

function rowOf(row: LoadedObject | StoredRecord): ForgedRow {
  if ('id' in row) return { table: 'managed_object', id: row.id };
  return { table: 'sealed_record', id: `${row.kind} ${row.key}` };
}

function toSeen(row: LoadedObject | StoredRecord): SeenRow {
  const { version, box } = row;
  const tag = boxTag(box);
  if ('id' in row) return { table: 'managed_object', id: row.id, version, tag };
  return { table: 'sealed_record', id: row.key, version, tag };
}

function omit({ ids, versions, total }: FoundObjects, refused: ReadonlySet<string>): FoundObjects {
  const isLeft = (_: unknown, at: number) => !refused.has(ids[at] ?? '');
  return { ids: ids.filter(isLeft), versions: versions.filter(isLeft), total };
}

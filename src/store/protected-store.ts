import { boxTag, type ForgedRow, SealBrokenError } from '../vault/vault.ts';
import type { RecordMirror } from './lanes/record-mirror.ts';
import type { RowMemory, SeenRow } from './lanes/row-memory.ts';
import { anchoredRecordKinds } from './lanes/set-hash.ts';
import type { FoundObjects, LoadedObject, RecordQuery, Store, StoredRecord } from './store.ts';

/** How often an anchored record is read that other processes change at the same time. */
const maxReads = 3;

/** How earlier versions of rows are recognised. */
export interface RowProtection {
  readonly memory: RowMemory;
  /** Of anchored records; undefined for processes that look at the database whatever it contains. */
  mirror: RecordMirror | undefined;
  /** Is told of each row that is not served. */
  readonly forged: (row: ForgedRow) => void;
}

/**
 * Returns a store that serves no earlier version of a row than this process has seen, and of anchored
 * records only what the lanes state. Such a row is refused like a forged one, and so is the absence of an
 * object, which is never removed, and of an anchored record. The methods that read by identifier or key, and
 * lists of anchored records, throw SealBrokenError; the others leave it out.
 */
export function protectRows(store: Store, protection: RowProtection): Store {
  const { memory } = protection;
  return {
    ...store,
    async load(group, ids) {
      const findMissing = (rows: readonly LoadedObject[]) =>
        ids.find((id) => memory.isKnown(group, id) && !rows.some((row) => row.id === id));
      let rows = await readAgainIfOld(memory, () => store.load(group, ids));
      // A commit of which this process has heard since may have inserted it.
      if (findMissing(rows) !== undefined) rows = await store.load(group, ids);
      const missing = findMissing(rows);
      if (missing !== undefined) throw refuse(protection, { table: 'managed_object', id: missing });
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
      const { mirror } = protection;
      if (mirror !== undefined && anchoredRecordKinds.includes(kind))
        return readAnchored(protection, mirror, `${kind} ${key}`, {
          read: () => store.record(kind, key),
          isRight: (row) => mirror.matches(key, row && toSeen(row)),
        });
      const rows = await readAgainIfOld(memory, async () => [await store.record(kind, key)]);
      const [row] = rows;
      if (row !== undefined) requireServed(protection, row);
      return row;
    },
    async records(query) {
      const { mirror } = protection;
      if (mirror !== undefined && anchoredRecordKinds.includes(query.kind))
        return readAnchored(protection, mirror, `of kind ${query.kind}`, {
          read: () => store.records(query),
          isRight: (rows) => isRightList(mirror, query, rows),
        });
      const rows = await readAgainIfOld(memory, () => store.records(query));
      return rows.filter((row) => isServed(protection, row));
    },
    async commit(unit) {
      const result = await store.commit(unit);
      if (result === 'committed') for (const { id, group } of unit.inserts) memory.learnGroup(group, id);
      return result;
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

/** Reads anchored records, of which there must be what the lanes state. */
async function readAnchored<T>(
  protection: RowProtection,
  mirror: RecordMirror,
  what: string,
  { read, isRight }: { read(): Promise<T>; isRight(found: T): boolean },
): Promise<T> {
  let problem: string | undefined;
  for (let reads = 1; problem === undefined && reads <= maxReads; reads += 1) {
    const found = await read();
    if (isRight(found)) return found;
    problem = await mirror.compare();
  }
  throw refuse(protection, { table: 'sealed_record', id: what, problem });
}

/** Whether a list has only what the lanes state, and everything of its kind unless it is a part. */
function isRightList(
  mirror: RecordMirror,
  { kind, group, limit }: RecordQuery,
  rows: readonly StoredRecord[],
): boolean {
  if (!rows.every((row) => mirror.matches(row.key, toSeen(row)))) return false;
  const isPart = group !== undefined || rows.length >= limit;
  return isPart || new Set(rows.map(({ key }) => key)).size === mirror.count(kind);
}

function refuse({ forged }: RowProtection, row: ForgedRow): SealBrokenError {
  forged(row);
  return refusal(row);
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

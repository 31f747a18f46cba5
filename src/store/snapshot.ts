import { type AuditBlocks, createAuditBlocks } from './audit/audit-blocks.ts';
import { cellNumber, cellText, exactInteger } from './cells.ts';
import { type ColumnName, objectColumns } from './columns.ts';
import { FoldedLanes } from './lanes/folded-lanes.ts';
import type { LaneRow } from './lanes/lane-history.ts';
import { readLaneRow, selectLanes, toLaneRow } from './lanes/open-lane.ts';
import { hasOwnNumber, isNumberAfter, maxUsualNumber } from './row-numbers.ts';
import type { Dialect, Read, SqlRow } from './sql-driver.ts';
import { selectKeyring, toStoredKeyring } from './sql-keyrings.ts';
import { loadedFields, toLoadedObject } from './sql-objects.ts';
import { recordFields, toRecord } from './sql-records.ts';
import type { IndexTerm, LoadedObject, ObjectColumns, StoredRecord } from './store.ts';
import { type NumberedTable, numberedTables } from './store.ts';

/** Rows of one read. */
const pageRows = 64;
/** Rows of one read that leaves boxes out. */
const pageDates = 1_000;

/** An object with what searches use of it. */
export interface SnapshotObject extends LoadedObject {
  /** Number of the row, in the order of insertion. */
  readonly seq: number;
  readonly columns: ObjectColumns;
}

export interface SnapshotRecord extends StoredRecord {
  readonly seq: number;
}

/** A row of the blind index. */
export interface SnapshotTerm extends IndexTerm {
  /** `seq` of the object. */
  readonly object: number;
}

/** A unique name of an object. */
export interface SnapshotName {
  readonly group: string;
  readonly name: string;
  readonly object: number;
}

/** When an object was destroyed, by its column; null: not at all. */
export interface SnapshotDate extends Pick<LoadedObject, 'id' | 'group'> {
  /** Number of the row. */
  readonly seq: number;
  readonly destroyDate: number | null;
}

/** Some objects in the order of their numbers. */
interface SnapshotDates {
  readonly objects: readonly SnapshotDate[];
  /** Whether no object had a higher number. */
  readonly isLast: boolean;
}

/** All rows of a database as they were at one moment. */
export interface Snapshot {
  /** @throws {LaneForgedError} when a cell of one is of another type */
  lanes(): Promise<readonly LaneRow[]>;
  /** Likewise, without rows that have a cell of another type. */
  typedLanes(): Promise<readonly LaneRow[]>;
  /** Looks up which lanes were folded. */
  foldedLanes(): FoldedLanes;
  /** Generation of the keyring; 0 for none. */
  keyring(): Promise<number>;
  /** Some objects with a number above `after`, in its order; none: there are no more. */
  objects(after: number): Promise<readonly SnapshotObject[]>;
  /** Some objects with a number above `after`, with their Destroy Dates only. */
  destroyDates(after: number): Promise<SnapshotDates>;
  /** Some records, as `objects`. */
  records(after: number): Promise<readonly SnapshotRecord[]>;
  /** All records of a kind of which there are few. */
  recordsOf(kind: string): Promise<readonly StoredRecord[]>;
  /** The blocks of the audit log. */
  readonly audit: AuditBlocks;
  /** The rows that have one of the terms and an object in the range. */
  terms(terms: readonly number[], first: number, last: number): Promise<readonly SnapshotTerm[]>;
  /** The unique names of objects in the range. */
  names(first: number, last: number): Promise<readonly SnapshotName[]>;
  /** The number of objects and records with a row number that the database does not give. */
  strays(): Promise<number>;
  /** The tables whose sequence does not follow their rows, or has come where counting does not lead. */
  wrongSequences(): Promise<readonly NumberedTable[]>;
  /** Of the objects of one page, those of a group that are found by the index which the daemon uses. */
  find(group: string, ids: readonly string[]): Promise<readonly Pick<SnapshotObject, 'id' | 'seq'>[]>;
  /** Likewise of records, by their keys. */
  findRecords(keys: readonly string[]): Promise<readonly Pick<SnapshotRecord, 'kind' | 'key' | 'seq'>[]>;
  /** The number of all rows of the blind index, and of all unique names. */
  counts(): Promise<{ readonly terms: number; readonly names: number }>;
}

const columnNames = Object.keys(objectColumns) as readonly ColumnName[];
const columns = Object.values(objectColumns).map((column) => `${exactInteger(column)} as ${column}`);
const selectObjects = `select seq, grp, ${loadedFields}, ${columns.join(', ')} from managed_object where ${isNumberAfter('seq', '$1')} order by seq limit ${pageRows}`;
const selectDates = `select seq, id, grp, ${exactInteger('destroy_date')} as destroy_date from managed_object where ${isNumberAfter('seq', '$1')} order by seq limit ${pageDates}`;
const names = Array.from({ length: pageRows }, (_, at) => `$${at + 1}`).join(', ');
const selectFound = `select seq, id from managed_object where grp = $${pageRows + 1} and id in (${names})`;
const selectFoundRecords = `select seq, kind, key from sealed_record where key in (${names})`;
const selectRecords = `select seq, ${recordFields} from sealed_record where ${isNumberAfter('seq', '$1')} order by seq limit ${pageRows}`;
const selectKind = `select ${recordFields} from sealed_record where kind = $1`;
const strays = numberedTables.map(
  (table) => `(select count(*) from ${table} where not (${hasOwnNumber('seq')}))`,
);
const selectStrays = `select ${strays.join(' + ')} as strays`;
const selectNames = 'select grp, name, object from unique_name where object >= $1 and object <= $2';
const selectCounts =
  'select (select count(*) from object_term) as terms, (select count(*) from unique_name) as names';

/** Creates a snapshot over reads that all see the same moment. */
export function createSnapshot(read: Read, dialect: Dialect): Snapshot {
  const selectTerms = `select t.term, t.object, ${exactInteger('t.instance')} as instance from (${dialect.numbers('$1')}) n join object_term t on t.term = n.seq and t.object >= $2 and t.object <= $3`;
  return {
    lanes: async () => (await read(selectLanes, [])).map(toLaneRow),
    typedLanes: async () => (await read(selectLanes, [])).flatMap((row) => readLaneRow(row) ?? []),
    foldedLanes: () => new FoldedLanes(read),
    async keyring() {
      const [row] = await read(selectKeyring, []);
      return row === undefined ? 0 : toStoredKeyring(row).generation;
    },
    objects: async (after) => (await read(selectObjects, [after])).map(toObject),
    async destroyDates(after) {
      const objects = (await read(selectDates, [after])).map(toDate);
      return { objects, isLast: objects.length < pageDates };
    },
    recordsOf: async (kind) => (await read(selectKind, [kind])).map(toRecord),
    audit: createAuditBlocks(read),
    records: async (after) => (await read(selectRecords, [after])).map(toSnapshotRecord),
    terms: async (terms, first, last) =>
      (await read(selectTerms, [JSON.stringify(terms), first, last])).map(toTerm),
    names: async (first, last) => (await read(selectNames, [first, last])).map(toName),
    strays: async () => Number((await read(selectStrays, []))[0]?.strays),
    async wrongSequences() {
      const wrong: NumberedTable[] = [];
      for (const table of numberedTables) {
        const [row] = await read(selectNumbers(table, dialect), []);
        const { last, largest } = row ?? {};
        const next = Number(last ?? largest);
        if (next < Number(largest) || Math.max(next, Number(largest)) > maxUsualNumber) wrong.push(table);
      }
      return wrong;
    },
    find: async (group, ids) =>
      (await read(selectFound, [...fill(ids), group])).map(({ seq, id }) => ({
        seq: seq as number,
        id: cellText(id),
      })),
    findRecords: async (keys) =>
      (await read(selectFoundRecords, fill(keys))).map(({ seq, kind, key }) => ({
        seq: seq as number,
        kind: cellText(kind),
        key: cellText(key),
      })),
    async counts() {
      const [row] = await read(selectCounts, []);
      return { terms: Number(row?.terms), names: Number(row?.names) };
    },
  };
}

/** Repeats the last name up to the number of a page, so that one text suffices. */
function fill(names: readonly string[]): readonly string[] {
  return [...names, ...Array<string>(pageRows - names.length).fill(names.at(-1) ?? '')];
}

function selectNumbers(table: NumberedTable, dialect: Dialect): string {
  const largest = `(select max(seq) from ${table} where ${hasOwnNumber('seq')})`;
  return `select ${exactInteger(dialect.lastNumber(table))} as last, coalesce(${largest}, 0) as largest`;
}

function toObject(row: SqlRow): SnapshotObject {
  const values = columnNames.map((name) => [name, row[objectColumns[name]] ?? null] as const);
  const columns = Object.fromEntries(values) as ObjectColumns;
  return { ...toLoadedObject(row, cellText(row.grp)), seq: row.seq as number, columns };
}

function toDate({ seq, id, grp, destroy_date: date }: SqlRow): SnapshotDate {
  return {
    ...{ seq: seq as number, id: cellText(id), group: cellText(grp) },
    destroyDate: date === null ? null : cellNumber(date),
  };
}

function toSnapshotRecord(row: SqlRow): SnapshotRecord {
  return { ...toRecord(row), seq: row.seq as number };
}

function toTerm(row: SqlRow): SnapshotTerm {
  return { term: row.term as number, object: row.object as number, instance: row.instance as number };
}

function toName(row: SqlRow): SnapshotName {
  return { group: row.grp as string, name: row.name as string, object: row.object as number };
}

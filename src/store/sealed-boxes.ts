import { cellBytes, cellText } from './cells.ts';
import { isNumberAfter, type NumberedTable } from './row-numbers.ts';
import type { Read, SqlRow } from './sql-driver.ts';

/** Under which epochs the rows of a database are sealed, by the headers of their boxes: nothing is opened. */

/** Rows of one read. */
const pageRows = 1_000;

interface SealedRow {
  /** Number of the row, in the order of insertion. */
  readonly seq: number;
  /** The oldest epoch of its boxes; 0 for what is no box. */
  readonly epoch: number;
}

export interface SealedObject extends SealedRow {
  readonly id: string;
  readonly group: string;
}

export interface SealedRecord extends SealedRow {
  readonly kind: string;
  readonly key: string;
}

/** Some rows in the order of their numbers. */
export interface SealedRows<Row extends SealedRow> {
  readonly rows: readonly Row[];
  /** Whether no row had a higher number. */
  readonly isLast: boolean;
}

/** The 4 bytes of the epoch, which follow format and kind; see box.ts of the vault. */
const epochOf = (column: string) => `substr(${column}, 3, 4)`;
const next = `${isNumberAfter('seq', '$1')} order by seq limit ${pageRows}`;
const selectObjects = `select seq, id, grp, ${epochOf('box')} as epoch, ${epochOf('value')} as value_epoch from managed_object where ${next}`;
const selectRecords = `select seq, kind, key, ${epochOf('box')} as epoch from sealed_record where ${next}`;

/**
 * Reads some objects with a number above `after`, and the epochs of their boxes.
 * @param read runs a statement that only reads
 */
export async function listSealedObjects(read: Read, after: number): Promise<SealedRows<SealedObject>> {
  return toPage(await read(selectObjects, [after]), (row) => ({
    ...{ seq: row.seq as number, id: cellText(row.id), group: cellText(row.grp) },
    epoch: Math.min(toEpoch(row.epoch), row.value_epoch === null ? Infinity : toEpoch(row.value_epoch)),
  }));
}

/** As `listSealedObjects`, of records. */
export async function listSealedRecords(read: Read, after: number): Promise<SealedRows<SealedRecord>> {
  return toPage(await read(selectRecords, [after]), (row) => ({
    ...{ seq: row.seq as number, kind: cellText(row.kind), key: cellText(row.key) },
    epoch: toEpoch(row.epoch),
  }));
}

/** Returns the highest number of a table; 0 while it is empty. */
export async function highestNumber(read: Read, table: NumberedTable): Promise<number> {
  const [row] = await read(`select coalesce(max(seq), 0) as highest from ${table}`, []);
  return Number(row?.highest ?? 0);
}

function toPage<Row extends SealedRow>(
  rows: readonly SqlRow[],
  toRow: (row: SqlRow) => Row,
): SealedRows<Row> {
  return { rows: rows.map(toRow), isLast: rows.length < pageRows };
}

function toEpoch(cell: SqlRow[string] | undefined): number {
  const bytes = cellBytes(cell);
  return bytes.length === 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) : 0;
}

import { cellBytes, cellText } from './cells.ts';
import { hasOwnNumber, isNumberAfter } from './row-numbers.ts';
import type { Read, SqlRow } from './sql-driver.ts';
import type { SealedObject, SealedRecord, SealedRowList, SealedRows } from './store.ts';

/** Under which epochs the rows of a database are sealed, by the headers of their boxes: nothing is opened. */

/** Rows of one read. */
const pageRows = 1_000;

/** The 4 bytes of the epoch, which follow format and kind; see box.ts of the vault. */
const epochOf = (column: string) => `substr(${column}, 3, 4)`;
const next = `${isNumberAfter('seq', '$1')} order by seq limit ${pageRows}`;
/** Longer ones are none of kmipd's, and nothing is found by their beginning. */
const nameOf = (column: string) => `substr(${column}, 1, 256) as ${column}`;
const selectObjects = `select seq, ${nameOf('id')}, ${nameOf('grp')}, ${epochOf('box')} as epoch, ${epochOf('value')} as value_epoch from managed_object where ${next}`;
const selectRecords = `select seq, ${nameOf('kind')}, ${nameOf('key')}, ${epochOf('box')} as epoch from sealed_record where ${next}`;

/** Creates the list over statements that only read; each is short. */
export function createSealedRowList(read: Read): SealedRowList {
  return {
    objects: async (after) => toPage(await read(selectObjects, [after]), toObject),
    records: async (after) => toPage(await read(selectRecords, [after]), toRecord),
    async highest(table) {
      const [row] = await read(
        `select coalesce(max(seq), 0) as highest from ${table} where ${hasOwnNumber('seq')}`,
        [],
      );
      return Number(row?.highest ?? 0);
    },
  };
}

function toObject({ seq, id, grp, epoch, value_epoch: ofValue }: SqlRow): SealedObject {
  const oldest = Math.min(toEpoch(epoch), ofValue === null ? Infinity : toEpoch(ofValue));
  return { seq: seq as number, id: cellText(id), group: cellText(grp), epoch: oldest };
}

function toRecord({ seq, kind, key, epoch }: SqlRow): SealedRecord {
  return { seq: seq as number, kind: cellText(kind), key: cellText(key), epoch: toEpoch(epoch) };
}

function toPage<Row extends SealedObject | SealedRecord>(
  rows: readonly SqlRow[],
  toRow: (row: SqlRow) => Row,
): SealedRows<Row> {
  return { rows: rows.map(toRow), isLast: rows.length < pageRows };
}

function toEpoch(cell: SqlRow[string] | undefined): number {
  const bytes = cellBytes(cell);
  return bytes.length === 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) : 0;
}

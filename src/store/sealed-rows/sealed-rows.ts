import { directKind } from '../../vault/vault.ts';
import { cellBytes, cellText } from '../cells.ts';
import { hasOwnNumber, isNumberAfter } from '../row-numbers.ts';
import type { Read, SqlRow } from '../sql-driver.ts';
import type {
  SealedBlock,
  SealedObject,
  SealedRecord,
  SealedRowList,
  SealedRows,
} from './sealed-row-list.ts';

/** The adapter of `SealedRowList`. */

/** Rows of one read. */
const pageRows = 1_000;

/** The 4 bytes of the epoch, which follow format and kind; see box.ts of the vault. */
const epochOf = (column: string) => `substr(${column}, 3, 4)`;
const next = `${isNumberAfter('seq', '$1')} order by seq limit ${pageRows}`;
/** Longer ones are none of kmipd's, and nothing is found by their beginning. */
const nameOf = (column: string) => `substr(${column}, 1, 256) as ${column}`;
/** Null for an object without a value; kind and root of a value in a box of its own; see direct-box.ts. */
const hasValue = 'case when value is not null or destroy_date is null then 1 else 0 end';
const kindOf = 'substr(value, 2, 1)';
const rootOf = 'substr(value, 19, 8)';
const objectFields = [
  ...['seq', nameOf('id'), nameOf('grp'), nameOf('object_type'), `${hasValue} as has_value`],
  ...[`${epochOf('box')} as epoch`, `${epochOf('value')} as value_epoch`],
  ...[`${kindOf} as value_kind`, `${rootOf} as value_root`],
].join(', ');
const selectObjects = `select ${objectFields} from managed_object where ${next}`;
const countValues = `select ${nameOf('object_type')}, ${kindOf} as value_kind, case when ${kindOf} = $1 then ${rootOf} end as value_root, count(*) as number from managed_object where value is not null or destroy_date is null group by 1, 2, 3`;
const selectRecords = `select seq, ${nameOf('kind')}, ${nameOf('key')}, ${epochOf('box')} as epoch from sealed_record where ${next}`;

const selectBlocks = `select seq, ${epochOf('box')} as epoch from audit_block where ${next}`;

/** Creates the list over statements that only read; each is short. */
export function createSealedRowList(read: Read): SealedRowList {
  return {
    objects: async (after) => toPage(await read(selectObjects, [after]), toObject),
    records: async (after) => toPage(await read(selectRecords, [after]), toRecord),
    blocks: async (after) => toPage(await read(selectBlocks, [after]), toBlock),
    async countValues() {
      const rows = await read(countValues, [Uint8Array.of(directKind)]);
      return rows.map((row) => ({
        ...{ objectType: cellText(row.object_type), root: toRoot(row), count: Number(row.number) },
      }));
    },
    async countObjects() {
      const [row] = await read(
        `select count(*) as every, count(distinct case when ${hasOwnNumber('seq')} then seq end) as listed from managed_object`,
        [],
      );
      return { all: Number(row?.every), listed: Number(row?.listed) };
    },
    async highest(table) {
      const [row] = await read(
        `select coalesce(max(seq), 0) as highest from ${table} where ${hasOwnNumber('seq')}`,
        [],
      );
      return Number(row?.highest ?? 0);
    },
  };
}

function toObject({ seq, id, grp, epoch, value_epoch: ofValue, ...row }: SqlRow): SealedObject {
  const oldest = Math.min(toEpoch(epoch), ofValue === null ? Infinity : toEpoch(ofValue));
  return {
    ...{ seq: seq as number, id: cellText(id), group: cellText(grp), epoch: oldest },
    ...{ objectType: cellText(row.object_type), hasValue: Number(row.has_value) === 1, root: toRoot(row) },
  };
}

function toRoot({ value_kind: kind, value_root: root }: SqlRow): string | null {
  const isDirect = kind !== null && cellBytes(kind)[0] === directKind;
  return isDirect ? new Uint8Array(cellBytes(root)).toHex() : null;
}

function toRecord({ seq, kind, key, epoch }: SqlRow): SealedRecord {
  return { seq: seq as number, kind: cellText(kind), key: cellText(key), epoch: toEpoch(epoch) };
}

function toBlock({ seq, epoch }: SqlRow): SealedBlock {
  return { seq: seq as number, epoch: toEpoch(epoch) };
}

function toPage<Row extends SealedBlock>(
  rows: readonly SqlRow[],
  toRow: (row: SqlRow) => Row,
): SealedRows<Row> {
  return { rows: rows.map(toRow), isLast: rows.length < pageRows };
}

function toEpoch(cell: SqlRow[string] | undefined): number {
  const bytes = cellBytes(cell);
  return bytes.length === 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) : 0;
}

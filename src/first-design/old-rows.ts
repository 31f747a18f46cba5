import type { Read, SqlRow } from '../store/sql-driver.ts';
import { selectClients, selectObjects, selectRecords, selectUniqueKeys } from './schema.ts';

/** Rows of one commit: enough that fsync is a small part, few enough that their values need little memory. */
const pageRows = 256;

/** The tables that are converted, in this order: the credentials of clients are among the records. */
export const oldTables = ['record', 'client', 'object'] as const;
export type OldTable = (typeof oldTables)[number];

/** A row of the first design as it was read, with the rows that belong to it. */
export interface OldRow {
  readonly table: OldTable;
  /** Place in its table, by which rows are read in order: `seq`; of a client its name. */
  readonly place: number | string;
  /** For messages. */
  readonly name: string;
  readonly content: readonly SqlRow[];
}

/** An object as the first design stored it. */
export interface OldObject {
  readonly row: OldRow;
  readonly id: string;
  readonly group: string;
  readonly objectType: string;
  /** Encoded attributes and maker. */
  readonly attributes: Uint8Array;
  readonly sealed: Uint8Array | null;
  /** Names that only this object of the group had, long ones as digests. */
  readonly uniqueKeys: ReadonlySet<string>;
}

/** A record as the first design stored it. */
export interface OldRecord {
  readonly row: OldRow;
  readonly kind: string;
  readonly id: string;
  readonly group: string;
  readonly version: number;
  readonly expires: number | null;
  readonly sealed: Uint8Array;
}

/** Reads all objects in the order of their insertion, some at a time. */
export async function* readOldObjects(read: Read): AsyncGenerator<readonly OldObject[]> {
  for await (const rows of readPages(read, selectObjects)) {
    const [before, last] = [(rows[0]?.seq as number) - 1, rows.at(-1)?.seq as number];
    const keys = Map.groupBy(await read(selectUniqueKeys, [before, last]), ({ object }) => object);
    yield rows.map((row) => toOldObject(row, keys.get(row.seq as number) ?? []));
  }
}

function toOldObject(row: SqlRow, uniqueKeys: readonly SqlRow[]): OldObject {
  const name = `first_design_object, id ${JSON.stringify(row.id)}`;
  return {
    row: { table: 'object', place: row.seq as number, name, content: [row, ...sortRows(uniqueKeys)] },
    id: row.id as string,
    group: row.grp as string,
    objectType: row.object_type as string,
    attributes: row.attributes as Uint8Array,
    sealed: row.sealed as Uint8Array | null,
    uniqueKeys: new Set(uniqueKeys.map(({ name: key }) => key as string)),
  };
}

/** Reads all records in the order of their insertion, some at a time. */
export async function* readOldRecords(read: Read): AsyncGenerator<readonly OldRecord[]> {
  for await (const rows of readPages(read, selectRecords)) yield rows.map(toOldRecord);
}

/** Returns the record of a row of `selectRecords`. */
function toOldRecord(row: SqlRow): OldRecord {
  const { kind, id } = row as Readonly<Record<string, string>>;
  const name = `first_design_record, kind ${kind}, id ${JSON.stringify(id)}`;
  return {
    row: { table: 'record', place: row.seq as number, name, content: [row] },
    kind: kind as string,
    id: id as string,
    group: row.grp as string,
    version: row.version as number,
    expires: row.expires as number | null,
    sealed: row.sealed as Uint8Array,
  };
}

/** Reads all clients, in the order of their names. */
export async function readOldClients(
  read: Read,
): Promise<readonly { readonly row: OldRow; readonly client: SqlRow }[]> {
  return sortRows(await read(selectClients, [])).map((client) => {
    const place = client.name as string;
    const name = `first_design_client, name ${JSON.stringify(place)}`;
    return { row: { table: 'client', place, name, content: [client] }, client };
  });
}

/** Sorts by `name`, then `grp`, in UTF-16 code units: the order of a database depends on its collation. */
function sortRows(rows: readonly SqlRow[]): readonly SqlRow[] {
  const keyed = rows.map((row) => [`${row.name}\0${row.grp}`, row] as const);
  return keyed.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

async function* readPages(read: Read, sql: string): AsyncGenerator<readonly SqlRow[]> {
  for (let last = 0; ; ) {
    const rows = await read(sql, [last, pageRows]);
    if (rows.length > 0) yield rows;
    if (rows.length < pageRows) return;
    last = rows.at(-1)?.seq as number;
  }
}

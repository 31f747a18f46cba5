import type { SqlDriver, SqlRow } from '../store/sql-driver.ts';
import { selectObjects, selectRecords, selectUniqueKeys } from './schema.ts';

/** Rows of one commit: enough that fsync is a small part, few enough that their values need little memory. */
const pageRows = 256;

/** An object as the first design stored it. */
export interface OldObject {
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
  readonly kind: string;
  readonly id: string;
  readonly group: string;
  readonly version: number;
  readonly expires: number | null;
  readonly sealed: Uint8Array;
}

/** Reads all objects in the order of their insertion, some at a time. */
export async function* readOldObjects(driver: SqlDriver): AsyncGenerator<readonly OldObject[]> {
  for await (const rows of readPages(driver, selectObjects)) {
    const [before, last] = [(rows[0]?.seq as number) - 1, rows.at(-1)?.seq as number];
    const keys = Map.groupBy(await driver.read(selectUniqueKeys, [before, last]), ({ object }) => object);
    yield rows.map((row) => ({
      id: row.id as string,
      group: row.grp as string,
      objectType: row.object_type as string,
      attributes: row.attributes as Uint8Array,
      sealed: row.sealed as Uint8Array | null,
      uniqueKeys: new Set(keys.get(row.seq as number)?.map(({ name }) => name as string)),
    }));
  }
}

/** Reads all records in the order of their insertion, some at a time. */
export async function* readOldRecords(driver: SqlDriver): AsyncGenerator<readonly OldRecord[]> {
  for await (const rows of readPages(driver, selectRecords)) yield rows.map(toOldRecord);
}

/** Returns the record of a row of `selectRecords`. */
function toOldRecord(row: SqlRow): OldRecord {
  return {
    kind: row.kind as string,
    id: row.id as string,
    group: row.grp as string,
    version: row.version as number,
    expires: row.expires as number | null,
    sealed: row.sealed as Uint8Array,
  };
}

async function* readPages(driver: SqlDriver, sql: string): AsyncGenerator<readonly SqlRow[]> {
  for (let last = 0; ; ) {
    const rows = await driver.read(sql, [last, pageRows]);
    if (rows.length > 0) yield rows;
    if (rows.length < pageRows) return;
    last = rows.at(-1)?.seq as number;
  }
}

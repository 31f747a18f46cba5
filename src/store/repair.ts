import type { LaneRow } from './lanes/lane-history.ts';
import { foldedLaneKind } from './lanes/set-hash.ts';
import { hasOwnNumber, hasUsualNumber } from './row-numbers.ts';
import type { SqlDriver, SqlStep } from './sql-driver.ts';
import { type IndexedObject, indexSteps } from './sql-objects.ts';
import { type NumberedTable, numberedTables } from './store.ts';

/** Repairs of a database, for an operator who accepts it as it is; while nobody else writes. */

/** A row that is to be removed, because it does not open or was put back. */
export interface AlteredRow {
  readonly table: NumberedTable;
  /** Number of the row. */
  readonly seq: number;
}

export interface Repair {
  /**
   * Gives new numbers to rows whose number the database cannot have given, lets their sequences and those of
   * the tables go on after the largest, and returns how many rows it were. Their index is the one of the
   * former numbers. What needs no repair is not touched: a role may have no right to change a sequence.
   */
  renumber(tables: readonly NumberedTable[]): Promise<number>;
  /** Removes rows, and what the index has of objects among them. */
  removeRows(rows: readonly AlteredRow[]): Promise<void>;
  /** Removes all terms and unique names. */
  clearIndex(): Promise<void>;
  /** Writes columns, terms and unique names of objects; of a name that two of them have, the first. */
  writeIndex(objects: readonly IndexedObject[]): Promise<void>;
  /** Removes the records of lanes that were folded: no process may know lanes of before. */
  removeFolds(): Promise<void>;
  /** Puts one lane in the place of all; `log` inserts what its chain of the audit log has in addition. */
  replaceLanes(lane: LaneRow, log: readonly SqlStep[]): Promise<void>;
}

/** Rows of one transaction. */
const maxRows = 64;

const removals: Readonly<Record<AlteredRow['table'], readonly string[]>> = {
  managed_object: [
    'delete from object_term where object = $1',
    'delete from unique_name where object = $1',
    'delete from managed_object where seq = $1',
  ],
  sealed_record: ['delete from sealed_record where seq = $1'],
  audit_block: ['delete from audit_block where seq = $1'],
};
const clearing = ['delete from object_term', 'delete from unique_name'];
const removeFolds = `delete from sealed_record where kind = '${foldedLaneKind}'`;
const removeLanes = 'delete from lane';
const insertLane = 'insert into lane (name, seq, era, box) values ($1, $2, $3, $4)';

/**
 * Returns a query with the numbers that are to be replaced, as text, because they may be larger than a number
 * of JavaScript. Ascending from the usual ones on: then each new number is free.
 */
function selectUnusual(table: NumberedTable): string {
  return `select cast(seq as text) as number from ${table} where not (${hasUsualNumber('seq')}) order by seq < 1, seq`;
}

/** Creates the repairs over a driver whose lanes were not started. */
export function createRepair(driver: SqlDriver): Repair {
  const run = async (steps: readonly SqlStep[]) => {
    const result = await driver.commit({ objects: [], changes: [], steps });
    if (result !== 'committed') throw new Error(`the database refused a repair: ${result}`);
  };
  const largest = async (table: NumberedTable, condition: string) => {
    const [row] = await driver.read(`select max(seq) as largest from ${table} where ${condition}`, []);
    return Number(row?.largest ?? 0);
  };
  const goOnAfter = (table: NumberedTable, number: number) =>
    run([{ sql: driver.dialect.continueAfter(table), parameters: [number] }]);
  const renumberTable = async (table: NumberedTable, isWrong: boolean) => {
    const unusual = await driver.read(selectUnusual(table), []);
    if (unusual.length === 0 && !isWrong) return 0;
    const last = await largest(table, hasUsualNumber('seq'));
    await goOnAfter(table, last);
    const { integer, newNumber } = driver.dialect;
    const sql = `update ${table} set seq = ${newNumber('$2')} where seq = cast($1 as ${integer}) and cast($2 as ${integer}) > 0`;
    const steps = unusual.map(
      ({ number = null }, at): SqlStep => ({ sql, parameters: [number, last + 1 + at], rows: 1 }),
    );
    for (let at = 0; at < steps.length; at += maxRows) await run(steps.slice(at, at + maxRows));
    await goOnAfter(table, await largest(table, hasOwnNumber('seq')));
    return steps.length;
  };
  return {
    async renumber(tables) {
      let rows = 0;
      for (const table of numberedTables) rows += await renumberTable(table, tables.includes(table));
      return rows;
    },
    async removeRows(rows) {
      for (let at = 0; at < rows.length; at += maxRows)
        await run(
          rows
            .slice(at, at + maxRows)
            .flatMap(({ table, seq }) => removals[table].map((sql) => ({ sql, parameters: [seq] }))),
        );
    },
    clearIndex: () => run(clearing.map((sql) => ({ sql, parameters: [] }))),
    writeIndex: (objects) => run(objects.flatMap(indexSteps)),
    removeFolds: () => run([{ sql: removeFolds, parameters: [] }]),
    replaceLanes: ({ name, seq, era, box }, log) =>
      run([
        ...log,
        { sql: removeLanes, parameters: [] },
        { sql: insertLane, parameters: [name, seq, era, box], rows: 1 },
      ]),
  };
}

import { hasOwnNumber } from './cells.ts';
import type { LaneRow } from './lanes/lane-history.ts';
import type { SqlDriver, SqlStep } from './sql-driver.ts';
import { type IndexedObject, indexSteps } from './sql-objects.ts';

/** Repairs of a database, for an operator who accepts it as it is; while nobody else writes. */

/** A row whose box does not open. */
export interface AlteredRow {
  readonly table: 'managed_object' | 'sealed_record';
  /** Number of the row. */
  readonly seq: number;
}

export interface Repair {
  /**
   * Removes rows, and what the index has of objects among them; all rows with a number that the database does
   * not give, too.
   */
  removeRows(rows: readonly AlteredRow[]): Promise<void>;
  /** Removes all terms and unique names. */
  clearIndex(): Promise<void>;
  /** Writes columns, terms and unique names of objects; of a name that two of them have, the first. */
  writeIndex(objects: readonly IndexedObject[]): Promise<void>;
  /** Puts one lane in the place of all. */
  replaceLanes(lane: LaneRow): Promise<void>;
}

const strays = ['managed_object', 'sealed_record'].map(
  (table) => `delete from ${table} where not (${hasOwnNumber('seq')})`,
);
/** Rows of one transaction. */
const maxRows = 64;

const removals: Readonly<Record<AlteredRow['table'], readonly string[]>> = {
  managed_object: [
    'delete from object_term where object = $1',
    'delete from unique_name where object = $1',
    'delete from managed_object where seq = $1',
  ],
  sealed_record: ['delete from sealed_record where seq = $1'],
};
const clearing = ['delete from object_term', 'delete from unique_name'];
const removeLanes = 'delete from lane';
const insertLane = 'insert into lane (name, seq, era, box) values ($1, $2, $3, $4)';

/** Creates the repairs over a driver whose lanes were not started. */
export function createRepair(driver: SqlDriver): Repair {
  const run = async (steps: readonly SqlStep[]) => {
    const result = await driver.commit({ objects: [], changes: [], steps });
    if (result !== 'committed') throw new Error(`the database refused a repair: ${result}`);
  };
  return {
    async removeRows(rows) {
      await run(strays.map((sql) => ({ sql, parameters: [] })));
      for (let at = 0; at < rows.length; at += maxRows)
        await run(
          rows
            .slice(at, at + maxRows)
            .flatMap(({ table, seq }) => removals[table].map((sql) => ({ sql, parameters: [seq] }))),
        );
    },
    clearIndex: () => run(clearing.map((sql) => ({ sql, parameters: [] }))),
    writeIndex: (objects) => run(objects.flatMap(indexSteps)),
    replaceLanes: ({ name, seq, era, box }) =>
      run([
        { sql: removeLanes, parameters: [] },
        { sql: insertLane, parameters: [name, seq, era, box], rows: 1 },
      ]),
  };
}

import type { FairQueue } from '../../common/fair-queue.ts';
import { cellNumber } from '../cells.ts';
import type { SqlDriver, SqlStep } from '../sql-driver.ts';
import type { CountQuery, ObjectBound, ObjectCount } from '../store.ts';

/**
 * Counts of the objects of a group. They follow from the rows, so that nothing has to be written with each
 * object, and no count can differ from the objects that are there. Columns are not authentic: whoever writes
 * to the database can make a count too low or too high.
 */

/** Rows of the first statement, which is answered at once, and of each that follows. */
const [firstRows, moreRows] = [128, 8_192];

/** The order makes both engines read the index on group and number. */
const countRows = `select count(*) as seen, count(case when destroy_date is null then 1 end) as objects, max(seq) as last
  from (select seq, destroy_date from managed_object where grp = $1 and seq > $2 order by seq limit $3) as page`;
const isWithin = `select 1 as one from (
    select count(*) as objects from (
      select seq from managed_object where grp = $1 and seq > $2 and destroy_date is null order by seq limit $3
    ) as newer
  ) as counted where objects <= $4`;

/** As `Store.count`. */
export async function countObjects(
  driver: Pick<SqlDriver, 'read' | 'search'>,
  queue: FairQueue,
  { group, after, limit }: CountQuery,
): Promise<ObjectCount> {
  let [objects, last, size] = [0, after, firstRows];
  while (objects <= limit) {
    const parameters = [group, last, size];
    const [row] = await (size === firstRows
      ? driver.read(countRows, parameters)
      : queue.run(() => driver.search(countRows, parameters)));
    const seen = cellNumber(row?.seen ?? 0);
    objects += cellNumber(row?.objects ?? 0);
    if (seen > 0) last = cellNumber(row?.last ?? last);
    if (seen < size) return { objects, last, isComplete: true };
    size = moreRows;
  }
  return { objects, last, isComplete: false };
}

/** Returns the step that makes a unit conflict when the group has more objects than the bound allows. */
export function boundStep({ group, after, objects }: ObjectBound): SqlStep {
  return { sql: isWithin, parameters: [group, after, objects + 1, objects], rows: 1, otherwise: 'conflict' };
}

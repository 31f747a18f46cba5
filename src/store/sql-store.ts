import { FairQueue } from '../common/fair-queue.ts';
import { defaultLimits } from '../common/limits.ts';
import { boundStep, countObjects } from './search/object-count.ts';
import { findObjects, type SearchLimits } from './search/object-search.ts';
import type { SqlDriver, WrittenRow } from './sql-driver.ts';
import { loadObjects, objectUnit } from './sql-objects.ts';
import {
  deleteExpiredRecords,
  type RecordReads,
  readRecord,
  readRecords,
  recordUnit,
} from './sql-records.ts';
import type { CommitResult, RecordChanges, Store, StoreUnit } from './store.ts';

const selectGroup = 'select grp from managed_object where id = $1';

const noRecords: RecordChanges = { expects: [], puts: [], removals: [] };

/**
 * Creates the store over a driver, with SQL that all engines share. `learn` is told of each row that a unit
 * has written.
 */
export function createSqlStore(
  driver: SqlDriver,
  limits: SearchLimits = defaultLimits,
  learn: (row: WrittenRow) => void = () => {},
): Store {
  const searches = new FairQueue(driver.searchSlots);
  const reads: RecordReads = {
    few: (sql, parameters) => driver.read(sql, parameters),
    many: (sql, parameters) => searches.run(() => driver.search(sql, parameters)),
  };
  const groupOf = async (id: string) => {
    const [row] = await driver.read(selectGroup, [id]);
    return row?.grp as string | undefined;
  };
  return {
    load: (group, ids) => loadObjects(driver, group, ids),
    groupOf,
    find: (query, match) => findObjects({ driver, queue: searches, limits }, query, match),
    count: (query) => countObjects(driver, searches, query),
    record: (kind, key) => readRecord(driver, kind, key),
    records: (query) => readRecords(reads, query),
    deleteExpired: (now, isGenuine) => deleteExpiredRecords(driver, now, isGenuine),
    commit: (unit) => commit(driver, unit, learn),
    async ping() {
      await groupOf('');
      await driver.commit({ objects: [], changes: [], steps: [] });
    },
    close: () => driver.close(),
  };
}

async function commit(
  driver: SqlDriver,
  unit: StoreUnit,
  learn: (row: WrittenRow) => void,
): Promise<CommitResult> {
  const written = objectUnit(unit);
  const recorded = recordUnit(unit.records ?? noRecords);
  const { records } = recorded;
  const reserves = [...(written.reserves ?? []), ...(recorded.reserves ?? [])];
  const { audit = [], bound } = unit;
  const steps = [...recorded.steps, ...written.steps, ...(bound === undefined ? [] : [boundStep(bound)])];
  if (steps.length === 0 && audit.length === 0) return 'committed';
  const changes = [...recorded.changes, ...written.changes];
  const result = await driver.commit({
    objects: written.objects,
    ...(records.length > 0 && { records }),
    ...(reserves.length > 0 && { reserves }),
    changes,
    ...(audit.length > 0 && { audit }),
    steps,
  });
  if (result === 'committed') for (const row of changes) learn(row);
  return result;
}

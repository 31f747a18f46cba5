import { FairQueue } from '../common/fair-queue.ts';
import { defaultLimits } from '../common/limits.ts';
import { findObjects, type SearchLimits } from './object-search.ts';
import type { SqlDriver } from './sql-driver.ts';
import { loadObjects, objectUnit } from './sql-objects.ts';
import { deleteExpiredRecords, readRecord, readRecords, recordUnit } from './sql-records.ts';
import type { CommitResult, RecordChanges, Store, StoreUnit } from './store.ts';

const selectGroup = 'select grp from managed_object where id = $1';

const noRecords: RecordChanges = { expects: [], puts: [], removals: [] };

/** Creates the store over a driver, with SQL that all engines share. */
export function createSqlStore(driver: SqlDriver, limits: SearchLimits = defaultLimits): Store {
  const searches = new FairQueue(driver.searchSlots);
  const groupOf = async (id: string) => {
    const [row] = await driver.read(selectGroup, [id]);
    return row?.grp as string | undefined;
  };
  return {
    load: (group, ids) => loadObjects(driver, group, ids),
    groupOf,
    find: (query, match) => findObjects({ driver, queue: searches, limits }, query, match),
    record: (kind, key) => readRecord(driver, kind, key),
    records: (query) => readRecords(driver, query),
    deleteExpired: (now, isGenuine) => deleteExpiredRecords(driver, now, isGenuine),
    commit: (unit) => commit(driver, unit),
    async ping() {
      await groupOf('');
      await driver.commit({ objects: [], changes: [], steps: [] });
    },
    close: () => driver.close(),
  };
}

async function commit(driver: SqlDriver, unit: StoreUnit): Promise<CommitResult> {
  const written = objectUnit(unit);
  const { records, changes, steps } = recordUnit(unit.records ?? noRecords);
  if (written.steps.length + steps.length === 0) return 'committed';
  return driver.commit({
    objects: written.objects,
    ...(records.length > 0 && { records }),
    changes: [...changes, ...written.changes],
    steps: [...steps, ...written.steps],
  });
}

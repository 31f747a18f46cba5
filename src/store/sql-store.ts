import { FairQueue } from '../common/fair-queue.ts';
import { defaultLimits } from '../common/limits.ts';
import type { SealedKey } from '../vault/vault.ts';
import { toIndexText } from './filter.ts';
import { findObjects, type SearchLimits } from './object-search.ts';
import { enrolmentStep } from './sql-clients.ts';
import type { SqlDriver, SqlRow, SqlStep } from './sql-driver.ts';
import { deleteExpiredRecords, readRecord, readRecords, recordNamesOf, recordSteps } from './sql-records.ts';
import type {
  CommitResult,
  LoadedObject,
  ObjectExpectation,
  RecordChanges,
  Store,
  StoredObject,
  StoreUnit,
} from './store.ts';
import { type IndexRow, TermCache } from './terms.ts';

/**
 * Ids of one load statement; shorter lists repeat their last id, so that two texts suffice for every length.
 */
const loadSizes = [1, 16] as const;
/** Index rows of one insert statement, largest first, so that few texts are prepared. */
const indexSizes = [16, 4, 1] as const;

const insertObject =
  'insert into object (id, grp, object_type, version, attributes, sealed) values ($1, $2, $3, $4, $5, $6) on conflict (id) do nothing';
const updateObject =
  'update object set version = $3, attributes = $4, sealed = $5 where id = $1 and version = $2 and grp = $6';
const hasVersion = 'select 1 as one from object where id = $1 and grp = $2 and version = $3';
const exists = 'select 1 as one from object where id = $1 and grp = $2';
const selectGroup = 'select grp from object where id = $1';
const insertUniqueKey =
  'insert into unique_key (grp, name, object) select o.grp, cast($2 as text), o.seq from object o where o.id = $1 on conflict (grp, name) do nothing';
const deleteUniqueKey =
  'delete from unique_key where grp = $2 and name = $3 and object = (select o.seq from object o where o.id = $1)';
const deleteIndexRow =
  'delete from object_index where object = (select o.seq from object o where o.id = $1) and term = $2 and instance = $3';
/** Reads version, index rows and unique keys of an object from one snapshot. */
const selectSearchRows =
  'select o.version, i.term, i.instance, i.text, i.number from object o join object_index i on i.object = o.seq where o.id = $1' +
  ' union all select o.version, null, null, k.name, null from object o join unique_key k on k.object = o.seq where o.id = $1' +
  ' union all select o.version, null, null, null, null from object o where o.id = $1';

const noRecords: RecordChanges = { expects: [], puts: [], removals: [] };

const loadSql = new Map(loadSizes.map((size) => [size, buildLoadSql(size)]));
const indexSql = new Map(indexSizes.map((size) => [size, buildIndexSql(size)]));

/** Creates the store over a driver, with SQL that all engines share. */
export function createSqlStore(driver: SqlDriver, limits: SearchLimits = defaultLimits): Store {
  const terms = new TermCache(driver);
  const searches = new FairQueue(driver.searchSlots);
  return {
    load: (group, ids) => load(driver, group, ids),
    async groupOf(id) {
      const [row] = await driver.read(selectGroup, [id]);
      return row?.grp as string | undefined;
    },
    find: (query) => findObjects(driver, searches, limits, query),
    record: (kind, id) => readRecord(driver, kind, id),
    records: (query) => readRecords(driver, query),
    deleteExpired: (now) => deleteExpiredRecords(driver, now),
    commit: (unit) => commit(driver, terms, unit),
    async ping() {
      await driver.read(exists, ['', '']);
      await driver.commit({ objects: [], steps: [] });
    },
    close: () => driver.close(),
  };
}

async function load(
  driver: SqlDriver,
  group: string,
  ids: readonly string[],
): Promise<readonly LoadedObject[]> {
  const wanted = [...new Set(ids)];
  const size = wanted.length === 1 ? 1 : 16;
  const text = loadSql.get(size) ?? buildLoadSql(size);
  const reads: Promise<readonly SqlRow[]>[] = [];
  for (let at = 0; at < wanted.length; at += size) {
    const some = wanted.slice(at, at + size);
    const last = some.at(-1) ?? '';
    reads.push(driver.read(text, [group, ...some, ...Array<string>(size - some.length).fill(last)]));
  }
  return (await Promise.all(reads)).flat().map(toLoadedObject);
}

function toLoadedObject(row: SqlRow): LoadedObject {
  return {
    id: row.id as string,
    group: row.grp as string,
    objectType: row.object_type as string,
    version: row.version as number,
    attributes: row.attributes as Uint8Array,
    sealed: row.sealed as SealedKey | null,
  };
}

async function commit(driver: SqlDriver, terms: TermCache, unit: StoreUnit): Promise<CommitResult> {
  const { expects, inserts, updates, enrolment } = unit;
  const records = unit.records ?? noRecords;
  const recorded = recordNamesOf(records);
  if (expects.length + inserts.length + updates.length + recorded.length === 0 && enrolment === undefined)
    return 'committed';
  const previous = new Set(unit.previousKeys?.map(toIndexText));
  const changes: Change[] = [];
  for (const object of updates) {
    const change = await computeChange(driver, object, await terms.toIndexRows(object), previous);
    if (change === undefined) return 'conflict';
    changes.push(change);
  }
  const news: SqlStep[] = [];
  for (const object of inserts)
    news.push(...additionSteps(object, await terms.toIndexRows(object), uniqueKeysOf(object), previous));
  const written = new Map([
    ...inserts.map(({ id }) => [id, 0] as const),
    ...updates.map(({ id, version }) => [id, version - 1] as const),
  ]);
  const steps = [
    // The write itself checks the version of a written object.
    ...expects.filter(({ id, version }) => written.get(id) !== version).map(expectationStep),
    ...recordSteps(records),
    ...(enrolment === undefined ? [] : [enrolmentStep(enrolment)]),
    ...updates.map(updateStep),
    // Removals before insertions: two objects of one unit may exchange a unique key.
    ...changes.flatMap(({ remove }) => remove),
    ...inserts.map(insertStep),
    ...news,
    ...changes.flatMap(({ add }) => add),
  ];
  // Only rows of the group are locked, so that no message waits for one that names another group's object.
  const read = expects.filter(({ version }) => version > 0).map(({ id }) => id);
  const objects = [...new Set([...read, ...written.keys()])];
  return driver.commit({ objects, steps, ...(recorded.length > 0 && { records: recorded }) });
}

function expectationStep({ id, group, version }: ObjectExpectation): SqlStep {
  return version === 0
    ? { sql: exists, parameters: [id, group], rows: 0, otherwise: 'conflict' }
    : { sql: hasVersion, parameters: [id, group, version], rows: 1, otherwise: 'conflict' };
}

function insertStep({ id, group, objectType, version, attributes, sealed }: StoredObject): SqlStep {
  const parameters = [id, group, objectType, version, attributes, sealed];
  return { sql: insertObject, parameters, rows: 1, otherwise: 'conflict' };
}

function updateStep({ id, group, version, attributes, sealed }: StoredObject): SqlStep {
  const parameters = [id, version - 1, version, attributes, sealed, group];
  return { sql: updateObject, parameters, rows: 1, otherwise: 'conflict' };
}

interface Change {
  readonly remove: readonly SqlStep[];
  readonly add: readonly SqlStep[];
}

/**
 * Computes how an update changes index rows and unique keys: mostly a state and a date, so that writing only
 * the difference saves nine tenths of the pages. Reads outside the transaction, which is safe, because the
 * rows belong to the version that the commit checks. Undefined when the object already has another version.
 */
async function computeChange(
  driver: SqlDriver,
  object: StoredObject,
  wanted: readonly IndexRow[],
  previous: ReadonlySet<string>,
): Promise<Change | undefined> {
  const present = await driver.read(selectSearchRows, [object.id]);
  if (present[0]?.version !== object.version - 1) return undefined;
  const rows = new Map(wanted.map((row) => [rowKey(row.term, row.instance), row]));
  const keys = new Set(uniqueKeysOf(object));
  const remove: SqlStep[] = [];
  for (const { term, instance, text, number } of present) {
    if (typeof term === 'number' && typeof instance === 'number') {
      const key = rowKey(term, instance);
      const row = rows.get(key);
      if (row === undefined) remove.push({ sql: deleteIndexRow, parameters: [object.id, term, instance] });
      else if (row.text === text && row.number === number) rows.delete(key);
    } else if (typeof text === 'string' && !keys.delete(text))
      remove.push({ sql: deleteUniqueKey, parameters: [object.id, object.group, text] });
  }
  const changed = wanted.filter((row) => rows.get(rowKey(row.term, row.instance)) !== undefined);
  return { remove, add: additionSteps(object, changed, [...keys], previous) };
}

function additionSteps(
  { id }: StoredObject,
  rows: readonly IndexRow[],
  keys: readonly string[],
  previous: ReadonlySet<string>,
): readonly SqlStep[] {
  if (new Set(rows.map(({ term, instance }) => rowKey(term, instance))).size !== rows.length)
    throw new TypeError(`object ${id} has two index entries for one field of one attribute instance`);
  const steps: SqlStep[] = keys.map((key) => {
    const step = { sql: insertUniqueKey, parameters: [id, key] };
    return previous.has(key) ? step : { ...step, rows: 1, otherwise: 'taken' };
  });
  let at = 0;
  for (const size of indexSizes)
    for (const sql = indexSql.get(size) ?? buildIndexSql(size); rows.length - at >= size; at += size) {
      const some = rows.slice(at, at + size);
      const values = some.flatMap(({ term, instance, text, number }) => [term, instance, text, number]);
      steps.push({ sql, parameters: [id, ...values], rows: size, otherwise: 'conflict' });
    }
  return steps;
}

function uniqueKeysOf({ uniqueKeys }: StoredObject): readonly string[] {
  return [...new Set(uniqueKeys.map(toIndexText))];
}

function rowKey(term: number, instance: number): string {
  return `${term}.${instance}`;
}

function buildLoadSql(size: number): string {
  const ids = Array.from({ length: size }, (_, at) => `$${at + 2}`).join(', ');
  return `select id, grp, object_type, version, attributes, sealed from object where grp = $1 and id in (${ids})`;
}

function buildIndexSql(size: number): string {
  const rows = Array.from({ length: size }, (_, row) => {
    const [term, instance, text, number] = [2, 3, 4, 5].map((at) => `$${row * 4 + at}`);
    return `(cast(${term} as bigint), cast(${instance} as bigint), cast(${text} as text), cast(${number} as bigint))`;
  });
  return (
    'insert into object_index (object, term, instance, text, number)' +
    ' select o.seq, v.column1, v.column2, v.column3, v.column4' +
    ` from object o cross join (values ${rows.join(', ')}) as v where o.id = $1` +
    ' on conflict (object, term, instance) do update set text = excluded.text, number = excluded.number'
  );
}

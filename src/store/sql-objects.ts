import { boxTag, type SealedKey } from '../vault/vault.ts';
import { cellBytes, cellNumber, cellText, exactInteger } from './cells.ts';
import { type ColumnName, objectColumns } from './columns.ts';
import { othersOf, reservesOf } from './reserves.ts';
import type { SqlDriver, SqlRow, SqlStep, SqlUnit, SqlValue, WrittenRow } from './sql-driver.ts';
import type {
  Aliases,
  IndexTerm,
  LoadedObject,
  ObjectColumns,
  ObjectExpectation,
  StoredObject,
  StoreUnit,
} from './store.ts';

/** Objects in SQL. Writes of objects are steps of the unit that `sql-store.ts` commits. */

/**
 * Ids of one load statement; shorter lists repeat their last id, so that two texts suffice for every length.
 */
const loadSizes = [1, 16] as const;
/** Terms of one insert statement, largest first, so that few texts are prepared. */
const termSizes = [16, 4, 1] as const;

/** Selects the fields of `toLoadedObject`, but the group. */
export const loadedFields = `id, object_type, ${exactInteger('version')} as version, box, value`;

const columnNames = Object.keys(objectColumns) as readonly ColumnName[];
const written = ['version', ...Object.values(objectColumns), 'box', 'value'];
const inserted = ['id', 'grp', 'object_type', ...written];

const insertObject = `insert into managed_object (${inserted.join(', ')}) values (${inserted.map((_, at) => `$${at + 1}`).join(', ')}) on conflict (id) do nothing`;
const updateObject = `update managed_object set ${written.map((column, at) => `${column} = $${at + 4}`).join(', ')} where id = $1 and grp = $2 and version = $3`;
const updateColumns = `update managed_object set ${Object.values(objectColumns)
  .map((column, at) => `${column} = $${at + 2}`)
  .join(', ')} where id = $1`;
const hasVersion = 'select 1 as one from managed_object where id = $1 and grp = $2 and version = $3';
const exists = 'select 1 as one from managed_object where id = $1 and grp = $2';
const insertName = buildNameSql(0);
const moveName =
  'insert into unique_name (grp, name, object) select u.grp, cast($4 as text), u.object from unique_name u where u.grp = $2 and u.name = $3 and u.object = (select o.seq from managed_object o where o.id = $1) on conflict (grp, name) do nothing';
const deleteName =
  'delete from unique_name where grp = $2 and name = $3 and object = (select o.seq from managed_object o where o.id = $1)';
const deleteTerm =
  'delete from object_term where term = $2 and instance = $3 and object = (select o.seq from managed_object o where o.id = $1)';

const loadSql = new Map(loadSizes.map((size) => [size, buildLoadSql(size)]));
const termSql = new Map(termSizes.map((size) => [size, buildTermSql(size)]));

/** As `Store.load`. */
export async function loadObjects(
  driver: Pick<SqlDriver, 'read'>,
  group: string,
  ids: readonly string[],
): Promise<readonly LoadedObject[]> {
  const wanted = new Set(ids);
  const rows = await readRows(driver, group, [...wanted]);
  return rows.map((row) => toLoadedObject(row, group)).filter(({ id }) => wanted.has(id));
}

async function readRows(
  driver: Pick<SqlDriver, 'read'>,
  group: string,
  wanted: readonly string[],
): Promise<readonly SqlRow[]> {
  const size = wanted.length === 1 ? 1 : 16;
  const text = loadSql.get(size) ?? buildLoadSql(size);
  const reads: Promise<readonly SqlRow[]>[] = [];
  for (let at = 0; at < wanted.length; at += size) {
    const some = wanted.slice(at, at + size);
    const last = some.at(-1) ?? '';
    reads.push(driver.read(text, [group, ...some, ...Array<string>(size - some.length).fill(last)]));
  }
  return (await Promise.all(reads)).flat();
}

/** Returns the part of a unit that writes its objects and checks those that it expects. */
export function objectUnit({
  expects,
  inserts,
  updates,
  previousNames = [],
  aliases = new Map(),
}: StoreUnit): Pick<SqlUnit, 'objects' | 'reserves' | 'changes' | 'steps'> {
  const before = new Map([
    ...inserts.map(({ id }) => [id, 0] as const),
    ...updates.map(({ id, version }) => [id, version - 1] as const),
  ]);
  // Only rows of the group are locked, so that no message waits for one that names another group's object.
  const read = expects.filter(({ version }) => version > 0).map(({ id }) => id);
  const previous = new Set(previousNames);
  return {
    objects: [...new Set([...read, ...before.keys()])],
    reserves: reservesOf(aliases),
    changes: [...inserts, ...updates].map(writtenRow),
    steps: [
      // The write itself checks the version of a written object.
      ...expects.filter(({ id, version }) => before.get(id) !== version).map(expectationStep),
      ...updates.map(updateStep),
      // Removals before insertions: two objects of one unit may exchange a unique name.
      ...updates.flatMap(removalSteps),
      ...inserts.map(insertStep),
      ...[...inserts, ...updates].flatMap((object) => additionSteps(object, previous, aliases)),
    ],
  };
}

function writtenRow({ id, version, box, replacedTag }: StoredObject): WrittenRow {
  const before = replacedTag && { version: version - 1, tag: replacedTag };
  if ((before === null) !== (version === 1))
    throw new TypeError('an update of an object names the tag that it replaces, an insertion none');
  return { table: 'managed_object', id, before, after: { version, tag: boxTag(box) } };
}

function expectationStep({ id, group, version }: ObjectExpectation): SqlStep {
  return version === 0
    ? { sql: exists, parameters: [id, group], rows: 0, otherwise: 'conflict' }
    : { sql: hasVersion, parameters: [id, group, version], rows: 1, otherwise: 'conflict' };
}

function insertStep(object: StoredObject): SqlStep {
  const { id, group, objectType } = object;
  const parameters = [id, group, objectType, ...writtenValues(object)];
  return { sql: insertObject, parameters, numbers: 'managed_object', rows: 1, otherwise: 'conflict' };
}

function updateStep(object: StoredObject): SqlStep {
  const { id, group, version } = object;
  const parameters = [id, group, version - 1, ...writtenValues(object)];
  return { sql: updateObject, parameters, rows: 1, otherwise: 'conflict' };
}

function writtenValues({ version, columns, box, value }: StoredObject): readonly SqlValue[] {
  return [version, ...columnValues(columns), box, value];
}

function columnValues(columns: ObjectColumns): readonly (number | null)[] {
  const numbers = columnNames.map((name) => columns[name]);
  for (const number of numbers)
    if (number !== null && !Number.isSafeInteger(number))
      throw new RangeError(`a column has whole numbers, not ${number}`);
  return numbers;
}

/** What searches use of an object. */
export type IndexedObject = Pick<StoredObject, 'id' | 'columns' | 'terms' | 'uniqueNames'>;

/** Steps that write the index of an object which has none. */
export function indexSteps({ id, columns, terms, uniqueNames }: IndexedObject): readonly SqlStep[] {
  return [
    { sql: updateColumns, parameters: [id, ...columnValues(columns)] },
    ...uniqueNames.add.map((name) => ({ sql: insertName, parameters: [id, name] })),
    ...termSteps(id, terms.add),
  ];
}

/**
 * Steps that need not find their rows: index and unique names are not authentic, and a missing row must not
 * keep its object from being changed.
 */
function removalSteps({ id, group, terms, uniqueNames }: StoredObject): readonly SqlStep[] {
  return [
    ...(uniqueNames.move ?? []).map(({ from, to }) => ({ sql: moveName, parameters: [id, group, from, to] })),
    ...terms.remove.map(({ term, instance }) => ({ sql: deleteTerm, parameters: [id, term, instance] })),
    ...uniqueNames.remove.map((name) => ({ sql: deleteName, parameters: [id, group, name] })),
  ];
}

function additionSteps(
  { id, terms, uniqueNames }: StoredObject,
  previous: ReadonlySet<string>,
  aliases: Aliases,
): readonly SqlStep[] {
  const steps = [...new Set(uniqueNames.add)].map((name): SqlStep => {
    const others = othersOf(aliases, name);
    const sql = others.length === 0 ? insertName : buildNameSql(others.length);
    const step = { sql, parameters: [id, name, ...others] };
    return previous.has(name) ? step : { ...step, rows: 1, otherwise: 'taken' };
  });
  return [...steps, ...termSteps(id, terms.add)];
}

function termSteps(id: string, terms: readonly IndexTerm[]): readonly SqlStep[] {
  const steps: SqlStep[] = [];
  let at = 0;
  for (const size of termSizes)
    for (const sql = termSql.get(size) ?? buildTermSql(size); terms.length - at >= size; at += size) {
      const values = terms.slice(at, at + size).flatMap(({ term, instance }) => [term, instance]);
      steps.push({ sql, parameters: [id, ...values] });
    }
  return steps;
}

/** The group is the one that was asked for, whatever the database has: the row of another does not open. */
export function toLoadedObject(row: SqlRow, group: string): LoadedObject {
  return {
    id: cellText(row.id),
    group,
    objectType: cellText(row.object_type),
    version: cellNumber(row.version),
    box: cellBytes(row.box) as SealedKey,
    value: row.value === null ? null : (cellBytes(row.value) as SealedKey),
  };
}

function buildLoadSql(size: number): string {
  const ids = Array.from({ length: size }, (_, at) => `$${at + 2}`).join(', ');
  return `select ${loadedFields} from managed_object where grp = $1 and id in (${ids})`;
}

/** Builds the insertion of a unique name that no other object holds, nor one of so many others. */
function buildNameSql(others: number): string {
  const free = Array.from(
    { length: others },
    (_, at) =>
      ` and not exists (select 1 from unique_name u where u.grp = o.grp and u.name = $${at + 3} and u.object <> o.seq)`,
  );
  return `insert into unique_name (grp, name, object) select o.grp, cast($2 as text), o.seq from managed_object o where o.id = $1${free.join('')} on conflict (grp, name) do nothing`;
}

function buildTermSql(size: number): string {
  const rows = Array.from(
    { length: size },
    (_, row) => `(cast($${row * 2 + 2} as bigint), cast($${row * 2 + 3} as bigint))`,
  );
  return (
    'insert into object_term (object, term, instance) select o.seq, v.column1, v.column2' +
    ` from managed_object o cross join (values ${rows.join(', ')}) as v where o.id = $1` +
    ' on conflict (term, object, instance) do nothing'
  );
}

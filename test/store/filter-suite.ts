import type { Test } from 'tap';
import { type ColumnName, objectColumns } from '../../src/store/columns.ts';
import type { SqlDriver } from '../../src/store/sql-driver.ts';
import type { Filter, LoadedObject, Store, StoredObject } from '../../src/store/store.ts';
import { satisfies as rowSatisfies } from '../memory-store.ts';
import { add, findAll, object, term, termOf } from './objects.ts';

type OpenStore = (t: Test) => Promise<{ driver: SqlDriver; store: Store }>;

const columnNames = Object.keys(objectColumns) as ColumnName[];
/** Of single objects, columns apart: each column has each of them on some object. */
const values = [null, 0, 1, 2, 12, 15, -5, 1_700_000_000, 2 ** 52] as const;
/** Without a divisor in common with the number of values. */
const steps = [1, 2, 4, 5] as const;
const names = [
  [],
  [['one', 1]],
  [
    ['one', 1],
    ['two', 2],
  ],
  [
    ['two', 1],
    ['one', 2],
  ],
  [['%', 1]],
] as const;

const objects: readonly StoredObject[] = Array.from({ length: 45 }, (_, at) =>
  object(`o-${at}`, {
    columns: Object.fromEntries(
      columnNames.map((name, column) => [
        name,
        values[(at * (steps[column % 4] ?? 1) + column) % values.length],
      ]),
    ),
    terms: {
      add: (names[at % names.length] ?? []).flatMap(([name, type], instance) => [
        term('Name', name, 'NameValue', instance),
        term('Name', type, 'NameType', instance),
      ]),
    },
  }),
);

const name = (text: string) => termOf('Name', text, 'NameValue');
const type = (number: number) => termOf('Name', number, 'NameType');

const comparisons: readonly Filter[] = columnNames.flatMap((column) => [
  { present: column },
  ...(['=', '>=', '<=', 'bits'] as const).flatMap((op) => [0, 2, -5].map((value) => ({ column, op, value }))),
]);
const leaves: readonly Filter[] = [
  ...comparisons,
  ...[
    [name('one')],
    [name('absent')],
    [name('one'), type(1)],
    [name('one'), type(2)],
    [type(1), name('two')],
  ].map((terms) => ({ terms })),
  { id: 'o-3' },
  { id: "' or 1=1 --" },
  { all: [] },
  { any: [] },
];
const partner: Filter = { any: [{ terms: [name('one')] }, { column: 'State', op: '>=', value: 2 }] };
const ranged: Filter = { column: 'InitialDate', op: '<=', value: 12 };

/** Each way in which a condition can stand in a filter. */
const settings: Readonly<Record<string, (leaf: Filter) => Filter>> = {
  alone: (leaf) => leaf,
  not: (leaf) => ({ not: leaf }),
  all: (leaf) => ({ all: [leaf, partner, { not: { not: leaf } }] }),
  'all with not': (leaf) => ({ all: [{ not: leaf }, partner, ranged] }),
  any: (leaf) => ({ any: [leaf, { all: [{ not: leaf }, partner, ranged] }] }),
  'not all': (leaf) => ({ not: { all: [leaf, partner] } }),
};

function satisfies(one: StoredObject, filter: Filter): boolean {
  return rowSatisfies({ ...one, terms: one.terms.add }, filter);
}

/** Tests of the searches that Locate needs, for every engine. */
export async function filterSuite(t: Test, openStore: OpenStore): Promise<void> {
  await t.test('find returns the objects that satisfy a filter', async (t) => {
    const { store } = await openStore(t);
    for (const one of objects) await add(store, one);
    const others = objects.map((one) => ({ ...one, id: `red ${one.id}`, group: 'red' }));
    await add(store, ...others);
    const newestFirst = objects.toReversed();
    /** Half of the objects of the group. */
    const half = ({ id }: LoadedObject) => Number(id.slice(2)) % 2 === 0;
    const check = async (filter: Filter) => {
      const expected = newestFirst.filter((one) => satisfies(one, filter)).map(({ id }) => id);
      const exact = await findAll(store, filter, { limit: 100 });
      if (exact.ids.join() !== expected.join() || exact.total !== expected.length)
        t.same(exact, { ids: expected }, JSON.stringify(filter));
      const query = { group: 'blue', filter, isExact: false, offset: 3, limit: 10, countedItems: 100 };
      const inexact = await store.find(query, half);
      const matching = newestFirst.filter((one) => satisfies(one, filter) && half(one)).map(({ id }) => id);
      if (inexact.ids.join() !== matching.slice(3, 13).join() || inexact.total !== matching.length)
        t.same(inexact, { ids: matching.slice(3, 13) }, `not exact: ${JSON.stringify(filter)}`);
    };
    for (const build of Object.values(settings)) await Promise.all(leaves.map(build).map(check));
    for (const leaf of leaves.slice(0, -4)) {
      const count = objects.filter((one) => satisfies(one, leaf)).length;
      if (count === objects.length) t.fail(`${JSON.stringify(leaf)} tells no objects apart`);
    }
    const empty = { ids: [], versions: [], total: 0 };
    t.strictSame(await findAll(store, { all: [] }, { group: 'green' }), empty);
    const red = await findAll(store, { terms: [name('%')] }, { group: 'red' });
    const theirs = others.filter((_, at) => at % names.length === 4);
    t.strictSame(red.ids, theirs.map(({ id }) => id).toReversed());
  });

  await t.test('find refuses what is no number, and a condition on no terms', async (t) => {
    const { store } = await openStore(t);
    await t.rejects(findAll(store, { column: 'State', op: '=', value: 0.5 }), RangeError);
    await t.rejects(findAll(store, { column: 'State', op: '=', value: 2 ** 53 }), RangeError);
    await t.rejects(findAll(store, { terms: [0.5] }), RangeError);
    await t.rejects(findAll(store, { terms: [] }), RangeError);
  });

  await t.test('pages are newest first and keep their order when an object is updated', async (t) => {
    const { store } = await openStore(t);
    const ids = Array.from({ length: 25 }, (_, at) => `p-${at}`);
    const columns = { State: 1 };
    for (const id of ids) await add(store, object(id, { columns }));
    const pages: string[] = [];
    const page = (offset: number, limit: number) =>
      findAll(store, { column: 'State', op: '=', value: 1 }, { offset, limit });
    for (let offset = 0; offset < 25; offset += 10) {
      const found = await page(offset, 10);
      t.equal(found.total, 25);
      pages.push(...found.ids);
      const touched = object(`p-${offset}`, { version: 2, columns: { ...columns, Fresh: 0 } });
      await store.commit({ expects: [], inserts: [], updates: [touched] });
    }
    t.strictSame(pages, ids.toReversed());
    t.strictSame(await page(25, 10), { ids: [], versions: [], total: 25 }, 'just past the end');
    t.strictSame(await page(0, 0), { ids: [], versions: [], total: 25 }, 'only the total');
    const versions = [1, 1, 1, 1, 1, 1, 1, 1, 1, 2];
    const last = { ids: ids.slice(0, 10).toReversed(), versions, total: 25 };
    t.strictSame(await page(15, 10), last, 'exactly the end, one of them touched');
  });
}

import type { Test } from 'tap';
import type { SqlDriver } from '../../src/store/sql-driver.ts';
import type { Filter, Store } from '../../src/store/store.ts';
import { add, entry, object } from './objects.ts';

type OpenStore = (t: Test) => Promise<{ driver: SqlDriver; store: Store }>;

const long = 'n'.repeat(4_000);

const objects = [
  object('a', {
    index: [
      entry('Name', 'one', 'NameValue', 0),
      entry('Name', 1, 'NameType', 0),
      entry('Name', 'two', 'NameValue', 1),
      entry('Name', 2, 'NameType', 1),
      entry('State', 2),
      entry('CryptographicUsageMask', 12),
      entry('InitialDate', 1_700_000_000),
    ],
  }),
  object('b', {
    index: [
      entry('Name', 'two', 'NameValue'),
      entry('Name', 1, 'NameType'),
      entry('State', 1),
      entry('CryptographicUsageMask', 4),
      entry('InitialDate', 1_700_000_100),
      entry('x-Long', long),
    ],
  }),
  object('c', { index: [entry('State', 2), entry('CryptographicUsageMask', 15), entry('InitialDate', -5)] }),
  object('d', { index: [] }),
  object('red', { group: 'red', index: [entry('Name', 'one', 'NameValue'), entry('State', 2)] }),
];

const equal = (attribute: string, value: string | number, field = ''): Filter => ({
  attribute,
  fields: [{ field, op: '=', value }],
});
const compare = (attribute: string, op: '>=' | '<=' | 'bits', value: number): Filter => ({
  attribute,
  fields: [{ field: '', op, value }],
});
const name = (value: string, type: number): Filter => ({
  attribute: 'Name',
  fields: [
    { field: 'NameValue', op: '=', value },
    { field: 'NameType', op: '=', value: type },
  ],
});
const active = equal('State', 2);

const cases: readonly [string, Filter, string][] = [
  ['everything of the group, newest first', { all: [] }, 'd c b a'],
  ['an empty any', { any: [] }, ''],
  ['text equal', equal('Name', 'two', 'NameValue'), 'b a'],
  ['text in another field', equal('Name', 'two', 'NameType'), ''],
  ['text is exact', equal('Name', 'TWO', 'NameValue'), ''],
  ['a pattern is only text', equal('Name', '%', 'NameValue'), ''],
  ['quotes are only text', equal('Name', "' or 1=1 --", 'NameValue'), ''],
  ['a long text', equal('x-Long', long), 'b'],
  ['another long text', equal('x-Long', `${long}n`), ''],
  ['the digest of a long text', equal('x-Long', `sha256:${'0'.repeat(64)}`), ''],
  ['number equal', active, 'c a'],
  ['a number is not its text', equal('State', '2'), ''],
  ['an unknown attribute', equal('x-Nobody', 2), ''],
  ['at least', compare('InitialDate', '>=', 1_700_000_000), 'b a'],
  ['at most', compare('InitialDate', '<=', 1_700_000_000), 'c a'],
  ['negative', compare('InitialDate', '<=', -5), 'c'],
  ['every bit', compare('CryptographicUsageMask', 'bits', 12), 'c a'],
  ['one bit', compare('CryptographicUsageMask', 'bits', 1), 'c'],
  ['no bits', compare('CryptographicUsageMask', 'bits', 0), 'c b a'],
  ['the attribute exists', { attribute: 'Name', fields: [] }, 'b a'],
  ['no such attribute exists', { attribute: 'Nobody', fields: [] }, ''],
  ['two fields of one instance', name('two', 1), 'b'],
  ['two fields of one instance, the second', name('two', 2), 'a'],
  ['fields of two instances do not mix', name('one', 2), ''],
  [
    'a range of one instance',
    {
      attribute: 'InitialDate',
      fields: [
        { field: '', op: '>=', value: 0 },
        { field: '', op: '<=', value: 1_700_000_050 },
      ],
    },
    'a',
  ],
  ['all', { all: [active, equal('Name', 'two', 'NameValue')] }, 'a'],
  ['all, three', { all: [active, compare('CryptographicUsageMask', 'bits', 4), { all: [] }] }, 'c a'],
  ['any', { any: [equal('State', 1), equal('Name', 'one', 'NameValue')] }, 'b a'],
  ['not', { not: active }, 'd b'],
  ['not not', { not: { not: active } }, 'c a'],
  ['not any', { not: { any: [active, equal('State', 1)] } }, 'd'],
  ['all of not and any', { all: [{ not: equal('State', 1) }, { any: [active, { all: [] }] }] }, 'd c a'],
  ['the same condition inside and outside not', { all: [active, { not: { all: [active] } }] }, ''],
  ['nested', { any: [{ all: [active, { not: name('one', 1) }] }, { all: [name('two', 1)] }] }, 'c b'],
];

/** Tests of the searches that Locate needs, for every engine. */
export async function filterSuite(t: Test, openStore: OpenStore): Promise<void> {
  await t.test('find returns the objects that satisfy a filter', async (t) => {
    const { store } = await openStore(t);
    for (const one of objects) await add(store, one);
    for (const [title, filter, expected] of cases) {
      const found = await store.find({ group: 'blue', filter, offset: 0, limit: 10 });
      t.equal(found.ids.join(' '), expected, title);
      t.equal(found.total, expected === '' ? 0 : expected.split(' ').length, `${title}: total`);
    }
    const same = await store.find({ group: 'red', filter: active, offset: 0, limit: 10 });
    t.strictSame(same, { ids: ['red'], versions: [1], total: 1 }, 'another group sees its own');
    t.strictSame(await store.find({ group: 'green', filter: { all: [] }, offset: 0, limit: 10 }), {
      ids: [],
      versions: [],
      total: 0,
    });
    await t.rejects(
      store.find({ group: 'blue', filter: equal('State', 0.5), offset: 0, limit: 1 }),
      RangeError,
    );
  });

  await t.test('pages are newest first and keep their order when an object is updated', async (t) => {
    const { store } = await openStore(t);
    const ids = Array.from({ length: 25 }, (_, at) => `p-${at}`);
    for (const id of ids) await add(store, object(id, { index: [entry('State', 1)] }));
    const pages: string[] = [];
    const page = (offset: number, limit: number) =>
      store.find({ group: 'blue', filter: equal('State', 1), offset, limit });
    for (let offset = 0; offset < 25; offset += 10) {
      const found = await page(offset, 10);
      t.equal(found.total, 25);
      pages.push(...found.ids);
      const touched = object(`p-${offset}`, { version: 2, index: [entry('State', 1), entry('Fresh', 0)] });
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

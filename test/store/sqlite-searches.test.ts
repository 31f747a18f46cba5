import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { runFor } from '../../src/common/requester.ts';
import {
  type Candidates,
  type CompiledSql,
  type Condition,
  compilePage,
  compileRange,
} from '../../src/store/filter.ts';
import type { SqlDriver } from '../../src/store/sql-driver.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import type { Filter, ObjectQuery, StoredObject } from '../../src/store/store.ts';
import { add, entry, object } from './objects.ts';

/** Searches of a hundred thousand objects: what they find, what they examine, and where. */

t.setTimeout(600_000);

const directory = await mkdtemp(join(tmpdir(), 'kmipd-searches-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));
const file = join(directory, 'large.db');
const driver = await openSqlite(file);
t.teardown(() => driver.close());
const limits = { searchRows: 2_000, searchMilliseconds: 600_000 };
/** Texts that the event loop's thread ran, and those that the search threads ran. */
const [reads, searches]: [string[], string[]] = [[], []];
const observed: SqlDriver = {
  ...driver,
  counts: driver.counts,
  read: (sql, parameters) => {
    reads.push(sql);
    return driver.read(sql, parameters);
  },
  search: (sql, parameters) => {
    searches.push(sql);
    return driver.search(sql, parameters);
  },
};
const store = createSqlStore(observed, limits);
const count = 100_000;
const many: StoredObject[] = Array.from({ length: count }, (_, at) =>
  object(`id-${at}`, {
    sealed: null,
    index: [
      entry('Name', `name-${at}`, 'NameValue'),
      entry('Name', 1, 'NameType'),
      entry('State', 2),
      entry('InitialDate', at),
    ],
  }),
);
for (let at = 0; at < many.length; at += 2_000) await add(store, ...many.slice(at, at + 2_000));

const named = (value: string): Condition => ({
  attribute: 'Name',
  fields: [
    { field: 'NameType', op: '=', value: 1 },
    { field: 'NameValue', op: '=', value },
  ],
});
const active: Condition = { attribute: 'State', fields: [{ field: '', op: '=', value: 2 }] };
const since = (value: number, until?: number): Condition => ({
  attribute: 'InitialDate',
  fields: [
    { field: '', op: '>=', value },
    ...(until === undefined ? [] : [{ field: '', op: '<=', value: until } as const]),
  ],
});
const find = async (filter: Filter, more: Partial<ObjectQuery> = {}) => {
  const { ids, total } = await store.find({ group: 'blue', filter, offset: 0, limit: 10, ...more });
  return { ids, total };
};
/** Statements that a search needed. */
const statementsOf = async (filter: Filter, more: Partial<ObjectQuery> = {}) => {
  const before = searches.length;
  await find(filter, more);
  return searches.length - before;
};

t.test('a search finds the same on whatever pages the objects are', async (t) => {
  const all = count;
  t.strictSame(await find(named('name-777')), { ids: ['id-777'], total: 1 });
  t.strictSame(await find({ all: [active, named('name-778')] }), { ids: ['id-778'], total: 1 });
  t.strictSame(await find({ all: [active, since(99_998)] }), { ids: ['id-99999', 'id-99998'], total: 2 });
  t.strictSame(await find({ all: [active, since(10, 11)] }), { ids: ['id-11', 'id-10'], total: 2 });
  t.strictSame(await find(since(0, 4_999), { offset: 4_998 }), { ids: ['id-1', 'id-0'], total: 5_000 });
  t.strictSame(await find(active, { offset: 50_000, limit: 2, countedItems: all }), {
    ids: ['id-49999', 'id-49998'],
    total: all,
  });
  t.strictSame(await find({ all: [] }, { offset: 99_998 }), { ids: ['id-1', 'id-0'], total: all });
  t.strictSame(await find({ not: named('name-1') }, { limit: 0, countedItems: all }), {
    ids: [],
    total: all - 1,
  });
});

t.test('the total is exact up to the number that is counted, and absent above', async (t) => {
  const newest = { ids: ['id-99999'], limit: 1 };
  for (const [countedItems, total] of [
    [0, undefined],
    [99_998, undefined],
    [99_999, undefined],
    [count, count],
  ] as const) {
    t.strictSame(
      await find(active, { limit: 1, countedItems }),
      { ids: newest.ids, total },
      `${countedItems}`,
    );
  }
});

t.test('few statements suffice where an attribute or a range has few objects', async (t) => {
  t.equal(await statementsOf(named('name-5')), 1);
  t.equal(await statementsOf({ all: [active, named('name-5')] }), 1);
  t.ok((await statementsOf({ all: [active, since(3, 4)] })) <= 4);
  t.ok((await statementsOf({ all: [active, since(3, 4_000)] }, { limit: 5_000 })) <= 12);
  t.ok((await statementsOf(active)) <= 1, 'nothing is counted that nobody asks for');
});

t.test('no statement of a search is planned as a scan or a sort', async (t) => {
  const reader = new DatabaseSync(file, { readOnly: true });
  t.teardown(() => reader.close());
  const planOf = ({ sql, parameters }: CompiledSql) =>
    reader
      .prepare(`explain query plan ${sql.replaceAll(/\$(?=\d)/g, '?')}`)
      .all(...parameters)
      .map((row) => String(row.detail));
  const pageOf = (candidates: Candidates, filter: Filter) =>
    planOf(compilePage({ group: 'blue', filter, candidates, rows: 500 }, driver.dialect));
  const before = Number.MAX_SAFE_INTEGER;
  const filters: Filter[] = [
    active,
    named('name-1'),
    { all: [active, since(900), { not: since(900) }, { any: [named('a'), since(1)] }] },
  ];
  const sources: Candidates[] = [
    { of: 'group', before },
    { of: active, before },
    { of: named('name-1'), before },
    { seqs: [1, 2, 3] },
  ];
  for (const [source, candidates] of sources.entries())
    for (const [at, filter] of filters.entries()) {
      const plan = pageOf(candidates, filter);
      const scans = plan.filter((line) => /^SCAN (?!c$|json_each)|TEMP B-TREE FOR ORDER|number>/.test(line));
      t.strictSame(scans, [], `source ${source}, filter ${at}: ${plan.join(' | ')}`);
    }
  const range = planOf(compileRange('blue', since(5, 9), { number: 6, object: 1 }, 100));
  t.match(range[0], /SEARCH i USING COVERING INDEX object_index_by_number \(term=\? AND \(number,object\)>/);
});

t.test('the event loop runs no search', async (t) => {
  reads.length = 0;
  await find({ not: named('name-1') }, { limit: 0, countedItems: count });
  await find({ all: [active, since(3, 4)] });
  t.strictSame(reads, []);
  t.ok(searches.length > 0);
});

t.test('accounts take turns', async (t) => {
  let isAnswered = false;
  const heavy = { account: 'heavy', isWaiting: () => !isAnswered };
  const light = { account: 'light', isWaiting: () => true };
  const slow = { filter: { not: named('name-1') }, countedItems: count };
  const others = Array.from({ length: 8 + driver.searchSlots }, () =>
    runFor(heavy, () => find(slow.filter, slow)),
  );
  const before = searches.length;
  await runFor(light, () => find(named('name-9')));
  const statements = searches.length - before;
  isAnswered = true;
  const results = await Promise.allSettled(others);
  const max = 2 * driver.searchSlots + 1;
  t.ok(statements <= max, `${statements} statements began, at most ${max}`);
  t.ok(
    results.every(({ status }) => status === 'rejected'),
    'the other searches were not done',
  );
});

t.test('a search ends when its time is used up, or its client has left', async (t) => {
  const impatient = createSqlStore(driver, { ...limits, searchMilliseconds: 0 });
  const query = { group: 'blue', offset: 0, limit: 10 };
  await t.rejects(impatient.find({ ...query, filter: { not: active } }), {
    name: 'SearchEndedError',
    message: /needs more than 0 milliseconds/,
  });
  const counted = await impatient.find({ ...query, filter: active, countedItems: count });
  t.equal(counted.ids.length, 10, 'what was found in time is answered');
  t.equal(counted.total, undefined, 'without a total');
  let asked = 0;
  const searcher = { account: 'gone', isWaiting: () => (asked += 1) < 4 };
  const search = runFor(searcher, () => store.find({ ...query, filter: { not: active } }));
  await t.rejects(search, { name: 'RequesterGoneError' });
  t.equal(asked, 4, 'no statement is run after the client has left');
});

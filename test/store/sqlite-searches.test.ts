import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { runFor } from '../../src/common/requester.ts';
import {
  type Candidates,
  type CompiledSql,
  compileCount,
  compilePage,
  compileRange,
} from '../../src/store/search/filter.ts';
import type { SqlDriver, SqlRow, SqlValue } from '../../src/store/sql-driver.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import type { Filter, ObjectQuery, StoredObject } from '../../src/store/store.ts';
import { add, findAll, object, term, termOf } from './objects.ts';
import { withLanes } from './start-lanes.ts';

/** Searches of a hundred thousand objects: what they find, what they examine, and where. */

t.setTimeout(600_000);

const directory = await mkdtemp(join(tmpdir(), 'kmipd-searches-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));
const file = join(directory, 'large.db');
const driver = await withLanes(await openSqlite(file));
t.teardown(() => driver.close());
const limits = { searchRows: 2_000, searchMilliseconds: 600_000 };
/** Texts that the event loop's thread ran, and those that the search threads ran. */
const [reads, searches]: [string[], string[]] = [[], []];
/** What the search threads answered. */
const asked: { sql: string; parameters: readonly SqlValue[]; rows: readonly SqlRow[] }[] = [];
const observed: SqlDriver = {
  ...driver,
  counts: driver.counts,
  read: (sql, parameters) => {
    reads.push(sql);
    return driver.read(sql, parameters);
  },
  search: async (sql, parameters) => {
    searches.push(sql);
    const rows = await driver.search(sql, parameters);
    asked.push({ sql, parameters, rows });
    return rows;
  },
};
const store = createSqlStore(observed, limits);
const count = 100_000;
/** Half of them have an Activation Date, 4,000 one of two Deactivation Dates. */
const many: StoredObject[] = Array.from({ length: count }, (_, at) =>
  object(`id-${at}`, {
    columns: {
      ...{ State: 2, InitialDate: at, ActivationDate: at % 2 === 0 ? at : null },
      DeactivationDate: at % 25 === 0 ? 7 + Number(at >= 75_000) : null,
    },
    terms: { add: [term('Name', `name-${at}`, 'NameValue'), term('Name', 1, 'NameType')] },
  }),
);
for (let at = 0; at < many.length; at += 2_000) await add(store, ...many.slice(at, at + 2_000));

const nameTerm = (value: string) => termOf('Name', value, 'NameValue');
const typeTerm = termOf('Name', 1, 'NameType');
const named = (value: string): Filter => ({ terms: [nameTerm(value), typeTerm] });
const active: Filter = { column: 'State', op: '=', value: 2 };
const since = (
  value: number,
  until?: number,
  column: 'InitialDate' | 'ActivationDate' = 'InitialDate',
): Filter => ({
  all: [
    { column, op: '>=', value },
    ...(until === undefined ? [] : [{ column, op: '<=', value: until } as const]),
  ],
});
const find = async (filter: Filter, more: Partial<ObjectQuery> = {}) => {
  const { ids, total } = await findAll(store, filter, more);
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
  t.strictSame(await find({ all: [active, since(10, 12, 'ActivationDate')] }), {
    ids: ['id-12', 'id-10'],
    total: 2,
  });
  for (const [column, op, value, total] of [
    ['DeactivationDate', '>=', 7, 4_000],
    ['DeactivationDate', '=', 7, 3_000],
    ['DeactivationDate', '=', 8, 1_000],
    ['DeactivationDate', '<=', 6, 0],
  ] as const)
    t.equal((await find({ column, op, value }, { offset: 4_000 })).total, total, `${column} ${op} ${value}`);
  t.strictSame(await find({ id: 'id-7' }), { ids: ['id-7'], total: 1 });
  t.strictSame(await find({ all: [{ id: 'id-7' }, { not: active }] }), { ids: [], total: 0 });
  t.strictSame(await find({ terms: [typeTerm, nameTerm('name-779')] }), { ids: ['id-779'], total: 1 });
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

t.test('few statements suffice where a term or a range has few objects', async (t) => {
  t.equal(await statementsOf({ id: 'id-5' }), 1);
  t.equal(await statementsOf(named('name-5')), 1);
  t.equal(await statementsOf({ all: [active, named('name-5')] }), 1);
  t.equal(await statementsOf({ terms: [typeTerm, nameTerm('name-5')] }), 4, 'the rarer term is found');
  t.ok((await statementsOf({ all: [active, since(3, 4)] })) <= 4);
  t.ok((await statementsOf({ all: [active, since(3, 4, 'ActivationDate')] })) <= 4);
  t.ok((await statementsOf({ all: [active, since(3, 4_000)] }, { limit: 5_000 })) <= 12);
  t.ok((await statementsOf(active)) <= 1, 'nothing is counted that nobody asks for');
});

t.test('no statement of a search examines more rows than its bound', async (t) => {
  const filters: Filter[] = [
    { not: active },
    { all: [{ terms: [typeTerm] }, { not: active }] },
    { terms: [typeTerm, termOf('Name', 2, 'NameType')] },
    { all: [{ not: active }, since(0, 9_000)] },
  ];
  for (const filter of filters) {
    const before = asked.length;
    await find(filter, { limit: 1 });
    t.ok(asked.length > before, 'statements were seen');
    for (const { sql, parameters } of asked.slice(before)) {
      const bounds = boundsOf(sql, parameters);
      t.ok(sourcesOf(sql) > 0 && bounds.length >= sourcesOf(sql), sql);
      for (const bound of bounds) t.ok(bound <= 2_000, `${bound}: ${sql}`);
    }
  }
});

/** Number of places in a statement that take rows by anything but their key. */
function sourcesOf(sql: string): number {
  const byKey = /exists \(select 1 from object_term|cross join managed_object/g;
  return sql.replaceAll(byKey, '').match(/managed_object|object_term|json_each/g)?.length ?? 0;
}

/** The numbers of rows that these places take at most. */
function boundsOf(sql: string, parameters: readonly SqlValue[]): readonly number[] {
  const at = (number: string | undefined) => parameters[Number(number) - 1];
  return [
    ...sql.matchAll(/ limit \$(\d+)/g).map(([, number]) => Number(at(number))),
    ...sql.matchAll(/json_each\(\$(\d+)\)/g).map(([, number]) => JSON.parse(String(at(number))).length),
  ];
}

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
    { all: [active, since(900), { not: since(900) }, { any: [named('a'), since(1), { id: 'id-1' }] }] },
    { all: [{ id: 'id-2' }, { present: 'ActivationDate' }, since(1, 9, 'ActivationDate')] },
  ];
  const sources: Candidates[] = [
    { of: 'group', before },
    { of: { term: typeTerm }, before },
    { of: { id: 'id-1' }, before },
    { seqs: [1, 2, 3] },
  ];
  for (const [source, candidates] of sources.entries())
    for (const [at, filter] of filters.entries()) {
      const plan = pageOf(candidates, filter);
      const scans = plan.filter((line) => /^SCAN (?!c$|json_each)|TEMP B-TREE FOR ORDER|number>/.test(line));
      t.strictSame(scans, [], `source ${source}, filter ${at}: ${plan.join(' | ')}`);
    }
  for (const [column, index] of [
    ['InitialDate', 'initial_date'],
    ['ActivationDate', 'activation_date'],
    ['DeactivationDate', 'deactivation_date'],
  ] as const) {
    const range = planOf(compileRange('blue', { column, from: 5, to: 9 }, { number: 6, seq: 1 }, 100));
    const searches = ['=? AND seq>? AND seq<?', `>? AND ${index}<?`].map(
      (bounds) => `SEARCH o USING COVERING INDEX managed_object_by_${index} (grp=? AND ${index}${bounds})`,
    );
    t.strictSame(
      range.filter((line) => line.startsWith('SEARCH')),
      searches,
      range.join(' | '),
    );
  }
  t.match(planOf(compileCount(typeTerm, 5)).join(), /SEARCH i USING PRIMARY KEY \(term=\?\)/);
});

t.test('the event loop runs no search', async (t) => {
  reads.length = 0;
  await find({ not: named('name-1') }, { limit: 0, countedItems: count });
  t.equal((await find({ all: [active, since(3, 4)] })).ids.length, 2);
  t.equal(reads.length, 1, 'it loads what is answered');
  t.match(reads[0], / where grp = \$1 and id in \(/);
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
  // Its statement and its slice wait for those that run.
  const max = 4 * driver.searchSlots + 1;
  t.ok(statements <= max, `${statements} statements began, at most ${max}`);
  t.ok(
    results.every(({ status }) => status === 'rejected'),
    'the other searches were not done',
  );
});

t.test('a search ends when its time is used up, or its client has left', async (t) => {
  const none = { ...limits, searchMilliseconds: 0 };
  await t.rejects(findAll(createSqlStore(driver, none), { not: active }), {
    name: 'SearchEndedError',
    message: /needs more than 0 milliseconds/,
  });
  let statements = 0;
  const slow: SqlDriver = {
    ...driver,
    counts: driver.counts,
    async search(sql, parameters) {
      statements += 1;
      if (statements === 2) for (const end = performance.now() + 2_100; performance.now() < end; );
      return driver.search(sql, parameters);
    },
  };
  const impatient = createSqlStore(slow, { ...limits, searchMilliseconds: 2_000 });
  const counted = await findAll(impatient, active, { countedItems: count });
  t.equal(counted.ids.length, 10, 'what was found in time is answered');
  t.equal(counted.total, undefined, 'without a total');
  let questions = 0;
  const searcher = { account: 'gone', isWaiting: () => (questions += 1) < 4 };
  const search = runFor(searcher, () => findAll(store, { not: active }));
  await t.rejects(search, { name: 'RequesterGoneError' });
  t.equal(questions, 4, 'no statement is run after the client has left');
});

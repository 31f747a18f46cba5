import { setImmediate } from 'node:timers/promises';
import type { Test } from 'tap';
import { runFor } from '../../src/common/requester.ts';
import type { SqlDriver, SqlStep, SqlValue } from '../../src/store/sql-driver.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import type { Filter, LoadedObject, ObjectQuery, Store } from '../../src/store/store.ts';
import { add, object, term, termOf, unit } from './objects.ts';

const ids = Array.from({ length: 40 }, (_, at) => `o-${at}`);
const newestFirst = ids.toReversed();
const active: Filter = { column: 'State', op: '=', value: 2 };
const named: Filter = { terms: [termOf('Name', 'x')] };

/** Tests that a search answers only what was loaded and matches, for every engine. */
export async function matchSuite(
  t: Test,
  openStore: (t: Test) => Promise<{ driver: SqlDriver; store: Store }>,
): Promise<void> {
  const open = async (t: Test) => {
    const { driver, store } = await openStore(t);
    await add(store, ...ids.map((id) => object(id, { columns: { State: 2 } })));
    return { driver, store };
  };
  const query = (more: Partial<ObjectQuery> = {}): ObjectQuery => ({
    ...{ group: 'blue', filter: active, isExact: true, offset: 0, limit: 10, countedItems: 100 },
    ...more,
  });
  const forge = async (driver: SqlDriver, ...statements: readonly (readonly [string, ...SqlValue[]])[]) => {
    const steps = statements.map(([sql, ...parameters]): SqlStep => ({ sql, parameters, rows: 1 }));
    const result = await driver.commit({ objects: [], changes: [], steps });
    if (result !== 'committed') throw new Error(`forging gave ${result}`);
  };
  const forgeTerm = (id: string): readonly [string, ...SqlValue[]] => [
    'insert into object_term (term, object, instance) select cast($1 as bigint), o.seq, 0 from managed_object o where o.id = $2',
    termOf('Name', 'x'),
    id,
  ];

  await t.test('no forged row makes a search answer an object that does not match', async (t) => {
    const { driver, store } = await open(t);
    await add(
      store,
      object('passive', { columns: { State: 1 } }),
      object('their own', { group: 'red', terms: { add: [term('Name', 'x')] } }),
      object('real', { columns: { State: 2, InitialDate: 9 }, terms: { add: [term('Name', 'x')] } }),
    );
    /** What the boxes say. */
    const isReal = ({ id }: LoadedObject) => id === 'real';
    await forge(
      driver,
      forgeTerm('passive'),
      forgeTerm('their own').with(1, termOf('Name', 'forged')) as [string, ...SqlValue[]],
      ['update managed_object set state = 2, initial_date = 9 where id = $1', 'passive'],
      ['insert into unique_name (grp, name, object) values ($1, $2, 7)', 'blue', 'forged'],
    );
    const date: Filter = { column: 'InitialDate', op: '=', value: 9 };
    for (const isExact of [true, false])
      for (const filter of [named, date, { all: [named, active, date] }]) {
        const found = await store.find(query({ filter, isExact }), isReal);
        t.strictSame(found, { ids: ['real'], versions: [1], total: 1 }, JSON.stringify(filter));
      }
    const matched: string[] = [];
    const forged = { terms: [termOf('Name', 'forged')] };
    const found = await store.find(
      query({ filter: forged, isExact: false }),
      ({ id }) => matched.push(id) > 0,
    );
    t.strictSame([found.ids, matched], [[], []], 'no row of another group is loaded');
    const counted = await store.find(query({ filter: forged, limit: 0 }), () => true);
    t.equal(counted.total, 0, 'nor counted');
    const insert = object('new', { uniqueNames: { add: ['forged'] } });
    t.equal(await store.commit(unit({ inserts: [insert] })), 'taken', 'a forged name only refuses');
    t.equal(
      await store.commit(
        unit({ updates: [object('passive', { version: 2, terms: { remove: [term('Name', 'x')] } })] }),
      ),
      'committed',
    );
  });

  await t.test('pages and totals when matches are refused', async (t) => {
    const { store } = await open(t);
    const matches = ({ id }: LoadedObject) => Number(id.slice(2)) % 3 !== 0;
    const real = newestFirst.filter((id) => Number(id.slice(2)) % 3 !== 0);
    for (const limit of [1, 7, 26, 27]) {
      const pages: string[] = [];
      for (let offset = 0; offset < real.length; offset += limit) {
        const found = await store.find(query({ isExact: false, offset, limit }), matches);
        t.equal(found.total, real.length);
        pages.push(...found.ids);
      }
      t.strictSame(pages, real, `pages of ${limit} when the filter is not exact: each once`);
      const seen = new Set<string>();
      for (let offset = 0; offset < ids.length; offset += limit)
        for (const id of (await store.find(query({ offset, limit }), matches)).ids) seen.add(id);
      t.strictSame([...seen], real, `pages of ${limit} when it is: none is missed`);
    }
    t.strictSame(await store.find(query({ limit: 40 }), () => false), { ids: [], versions: [], total: 0 });
    const counted = await store.find(query({ offset: 30, limit: 5 }), matches);
    t.equal(counted.total, 37, 'refused ones of the page are not counted');
    t.equal(
      (await store.find(query({ limit: 0 }), () => false)).total,
      40,
      'nothing is loaded to be counted',
    );
    for (const [countedItems, total] of [
      [0, undefined],
      [15, undefined],
      [26, 26],
    ] as const)
      t.equal((await store.find(query({ isExact: false, limit: 1, countedItems }), matches)).total, total);
  });

  await t.test(
    'only what is answered is loaded where the filter is exact, sixteen rows a read',
    async (t) => {
      const { driver } = await open(t);
      const reads: number[] = [];
      const store = createSqlStore({
        ...driver,
        async read(sql, parameters) {
          const rows = await driver.read(sql, parameters);
          reads.push(rows.length);
          return rows;
        },
      });
      for (const [more, expected] of [
        [{ offset: 5, limit: 10 }, [10]],
        [{ offset: 5, limit: 20 }, [16, 4]],
        [{ offset: 39, limit: 20 }, [1]],
        [{ offset: 40, limit: 20 }, []],
        [{ limit: 0 }, []],
        [{ isExact: false, limit: 1 }, [16, 16, 8]],
        [{ isExact: false, limit: 1, countedItems: 0 }, [16]],
        [{ isExact: false, offset: 39, limit: 1 }, [16, 16, 8]],
      ] as const) {
        const matched: string[] = [];
        const match = ({ id }: LoadedObject) => matched.push(id) > 0;
        const { ids: found } = await store.find(query(more), match);
        t.strictSame(reads.splice(0), expected, JSON.stringify(more));
        const skipped = 'isExact' in more ? 0 : (more.offset ?? 0);
        const total = expected.reduce((sum: number, rows) => sum + rows, 0);
        t.strictSame(matched, newestFirst.slice(skipped, skipped + total), 'each was matched once, in order');
        const offset = more.offset ?? 0;
        t.strictSame(found, newestFirst.slice(offset, offset + more.limit));
      }
    },
  );

  /** A store in which something happens once an index was read. */
  const afterSearch = (driver: SqlDriver, change: () => Promise<unknown>) =>
    createSqlStore({
      ...driver,
      async search(sql, parameters) {
        const rows = await driver.search(sql, parameters);
        await change();
        return rows;
      },
    });

  await t.test('an object that changes or goes after the index was read is matched as it is', async (t) => {
    const { driver, store } = await open(t);
    let isChanged = false;
    const changing = afterSearch(driver, async () => {
      if (isChanged) return;
      isChanged = true;
      const next = { version: 2, columns: { State: 2 } };
      await store.commit(unit({ updates: [object('o-39', next), object('o-37', next)] }));
      await forge(driver, ['delete from managed_object where id = $1', 'o-38']);
    });
    const found = await changing.find(
      query({ limit: 2 }),
      ({ id, version }) => id !== 'o-37' || version === 1,
    );
    t.strictSame(found, { ids: ['o-39', 'o-36'], versions: [2, 1], total: 38 });
  });

  await t.test('a Name that moves after the index was read is found where it is', async (t) => {
    const { driver, store } = await open(t);
    const own = [term('Name', 'x')];
    await add(store, object('before', { terms: { add: own } }), object('after'));
    let moves = 0;
    const move = async () => {
      moves += 1;
      const version = moves + 1;
      const [from, to] = moves % 2 === 1 ? ['before', 'after'] : ['after', 'before'];
      const updates = [
        object(from as string, { version, terms: { remove: own } }),
        object(to as string, { version, terms: { add: own } }),
      ];
      t.equal(await store.commit(unit({ updates })), 'committed');
    };
    const holds = ({ id, version }: LoadedObject) => id === (version % 2 === 1 ? 'before' : 'after');
    for (const [isExact, until] of [
      [true, 1],
      [false, 2],
    ] as const) {
      const moving = afterSearch(driver, async () => {
        if (moves < until) await move();
      });
      const found = await moving.find(query({ filter: named, isExact }), holds);
      const expected = { ids: [until % 2 === 1 ? 'after' : 'before'], versions: [until + 1], total: 1 };
      t.strictSame(found, expected);
    }
    const restless = afterSearch(driver, move);
    const found = await restless.find(query({ filter: named }), holds);
    t.strictSame(found, { ids: ['after'], versions: [4], total: 1 }, 'also where it never stays');
    t.equal(moves, 2 + 2);
  });

  await t.test('the error of a match ends the search', async (t) => {
    const { store } = await open(t);
    const sealed = new Error('the vault is sealed');
    await t.rejects(
      store.find(query(), () => {
        throw sealed;
      }),
      sealed,
    );
  });

  const work = (milliseconds: number) => {
    for (const end = performance.now() + milliseconds; performance.now() < end; );
  };

  await t.test('other events are handled between the slices of a search', async (t) => {
    const { store } = await open(t);
    let isDone = false;
    let turns = 0;
    const watch = (async () => {
      for (; !isDone; turns += 1) await setImmediate();
    })();
    const turnsAt: number[] = [];
    await store.find(query({ isExact: false }), () => {
      turnsAt.push(turns);
      work(2);
      return true;
    });
    isDone = true;
    await watch;
    t.equal(new Set(turnsAt).size, 3, `a turn for each slice: ${turnsAt}`);
  });

  await t.test('the time of matches counts, and a client that has left ends the search', async (t) => {
    const { driver, store } = await open(t);
    const hasty = createSqlStore(driver, { searchRows: 2_000, searchMilliseconds: 1_000 });
    // The first search starts a thread.
    await store.find(query(), () => true);
    let matched = 0;
    const late = hasty.find(query({ isExact: false }), () => {
      if (matched === 0) work(1_100);
      matched += 1;
      return false;
    });
    await t.rejects(late, { name: 'SearchEndedError', message: /needs more than 1000 milliseconds/ });
    t.equal(matched, 16, 'no slice after the one that took longer');
    let isWaiting = true;
    const searcher = { account: 'gone', isWaiting: () => isWaiting };
    matched = 0;
    const left = runFor(searcher, () =>
      store.find(query({ isExact: false }), () => {
        isWaiting = false;
        matched += 1;
        return false;
      }),
    );
    await t.rejects(left, { name: 'RequesterGoneError' });
    t.equal(matched, 16, 'no slice after the one that was loaded');
  });
}

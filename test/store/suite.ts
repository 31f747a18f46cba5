import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Test } from 'tap';
import type { LaneDriver } from '../../src/store/lane-driver.ts';
import type { MigrationPlan } from '../../src/store/migrations/migration.ts';
import type { SqlDriver } from '../../src/store/sql-driver.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import { type Store, StoreUnavailableError } from '../../src/store/store.ts';
import { changesSuite } from './changes-suite.ts';
import { filterSuite } from './filter-suite.ts';
import { groupSuite } from './groups-suite.ts';
import { keyringSuite } from './keyrings-suite.ts';
import { matchSuite } from './match-suite.ts';
import { add, box, findAll, object, term, termOf, unit } from './objects.ts';
import { recordSuite } from './records-suite.ts';
import { repairSuite } from './repair-suite.ts';
import { schemaSuite } from './schema-suite.ts';
import { snapshotSuite } from './snapshot-suite.ts';

/** One engine under test. */
export interface Engine {
  /** URL of a fresh, empty database, removed when the tests end. */
  fresh(): Promise<string>;
  open(url: string, options?: Partial<Omit<MigrationPlan, 'place'>>): Promise<LaneDriver>;
}

/** Tests of the store, for every engine. */
export async function storeSuite(t: Test, engine: Engine): Promise<void> {
  const openStore = async (t: Test): Promise<{ url: string; driver: SqlDriver; store: Store }> => {
    const url = await engine.fresh();
    const driver = await engine.open(url);
    t.teardown(() => driver.close());
    return { url, driver, store: createSqlStore(driver) };
  };

  await t.test('an object is read as it was stored, also after closing', async (t) => {
    const { url, driver, store } = await openStore(t);
    const plain = object('a', { objectType: 'SplitKey', box: box() });
    const strange = object('ü \u0000\u001a0"\'$1', {
      group: 'g\u0000\u001a1',
      value: box(...Array(30_000).keys()),
    });
    await add(store, plain, strange);
    await add(store, ...Array.from({ length: 40 }, (_, at) => object(`many-${at}`)));
    const check = async (store: Store) => {
      const [found] = await store.load('blue', ['a']);
      t.strictSame(found, {
        id: 'a',
        group: 'blue',
        objectType: 'SplitKey',
        version: 1,
        box: box(),
        value: null,
      });
      const [other] = await store.load(strange.group, [strange.id]);
      t.equal(other?.id, strange.id);
      t.equal(other?.group, strange.group);
      t.strictSame(other?.value, strange.value);
      t.strictSame(await store.load('blue', []), []);
      t.strictSame(await store.load('blue', ['absent', '']), []);
      const many = Array.from({ length: 40 }, (_, at) => `many-${at}`);
      const loaded = await store.load('blue', [...many, 'absent', 'many-3']);
      t.strictSame(loaded.map(({ id }) => id).sort(), many.sort(), 'each once, absent ones left out');
    };
    await check(store);
    await driver.close();
    const again = await engine.open(url);
    t.teardown(() => again.close());
    await check(createSqlStore(again));
  });

  await t.test('calls reject when the store is closed', async (t) => {
    const { driver, store } = await openStore(t);
    await store.ping();
    const late = store.commit(unit({ inserts: [object('late')] }));
    await new Promise(setImmediate);
    await driver.close();
    t.equal(await late, 'committed', 'a pending commit is finished');
    await t.rejects(store.load('blue', ['a']), StoreUnavailableError);
    await t.rejects(store.commit(unit({ inserts: [object('a')] })), StoreUnavailableError);
    await t.rejects(store.ping(), StoreUnavailableError);
    await driver.close();
  });

  await t.test('a unit conflicts when an object does not have the expected version', async (t) => {
    const { store } = await openStore(t);
    await add(store, object('a'), object('b'));
    const cases: readonly [string, Parameters<typeof unit>[0], 'committed' | 'conflict'][] = [
      ['the version it read', { expects: [{ group: 'blue', id: 'a', version: 1 }] }, 'committed'],
      ['another version', { expects: [{ group: 'blue', id: 'a', version: 2 }] }, 'conflict'],
      ['an object that is not there', { expects: [{ group: 'blue', id: 'x', version: 1 }] }, 'conflict'],
      ['absent as expected', { expects: [{ group: 'blue', id: 'x', version: 0 }] }, 'committed'],
      ['present, not absent', { expects: [{ group: 'blue', id: 'a', version: 0 }] }, 'conflict'],
      ['inserted twice', { inserts: [object('a')] }, 'conflict'],
      ['update of nothing', { updates: [object('x', { version: 2 })] }, 'conflict'],
      ['update that skips a version', { updates: [object('a', { version: 3 })] }, 'conflict'],
      ['update in another group', { updates: [object('a', { version: 2, group: 'red' })] }, 'conflict'],
      [
        'update and a stale expectation of the same object',
        { expects: [{ group: 'blue', id: 'a', version: 7 }], updates: [object('a', { version: 2 })] },
        'conflict',
      ],
      [
        'a good insert beside a stale read',
        { inserts: [object('c')], expects: [{ group: 'blue', id: 'b', version: 2 }] },
        'conflict',
      ],
      [
        'the next version',
        { expects: [{ group: 'blue', id: 'a', version: 1 }], updates: [object('a', { version: 2 })] },
        'committed',
      ],
      ['the same version again', { updates: [object('a', { version: 2 })] }, 'conflict'],
      ['nothing at all', {}, 'committed'],
    ];
    for (const [name, parts, expected] of cases) t.equal(await store.commit(unit(parts)), expected, name);
    t.strictSame(await store.load('blue', ['c', 'x']), [], 'nothing of a conflicting unit stays');
    t.equal((await store.load('blue', ['a']))[0]?.version, 2);
  });

  await t.test('an update replaces boxes and columns, and changes terms', async (t) => {
    const { store } = await openStore(t);
    const name = (text: string, instance = 0) => term('Name', text, 'NameValue', instance);
    const first = object('a', {
      value: box(7),
      columns: { State: 1, Fresh: 1, DestroyDate: 5 },
      terms: { add: [name('old'), name('kept', 1), term('Link', 'x'), term('Link', 'y')] },
    });
    await add(store, first);
    const next = object('a', {
      version: 2,
      box: box(9),
      columns: { State: 2, Fresh: 1 },
      terms: { remove: [name('old'), term('Link', 'x'), term('Link', 'never there')], add: [name('new', 2)] },
    });
    t.equal(await store.commit(unit({ updates: [next] })), 'committed');
    const [loaded] = await store.load('blue', ['a']);
    t.strictSame([loaded?.version, loaded?.value, loaded?.box], [2, null, box(9)]);
    const columns = { State: [2, 1], Fresh: [1, 0] } as const;
    for (const [column, [is, was]] of Object.entries(columns))
      for (const [value, total] of [
        [is, 1],
        [was, 0],
      ] as const)
        t.equal((await findAll(store, { column: column as 'State', op: '=', value })).total, total, column);
    t.equal((await findAll(store, { present: 'DestroyDate' })).total, 0);
    for (const [attribute, value, total] of [
      ...([
        ['Name', 'old', 0],
        ['Name', 'kept', 1],
        ['Name', 'new', 1],
      ] as const),
      ...([
        ['Link', 'x', 0],
        ['Link', 'y', 1],
      ] as const),
    ]) {
      const terms = [termOf(attribute, value, attribute === 'Name' ? 'NameValue' : '')];
      t.equal((await findAll(store, { terms })).total, total, `${attribute} ${value}`);
    }
  });

  await t.test('one unit wins when 64 write the same next version', async (t) => {
    const { store } = await openStore(t);
    await add(store, object('a'));
    for (const version of [2, 3, 4]) {
      const results = await Promise.all(
        Array.from({ length: 64 }, (_, at) =>
          store.commit(
            unit({
              expects: [{ group: 'blue', id: 'a', version: version - 1 }],
              updates: [object('a', { version, terms: { add: [term('Winner', at)] } })],
              inserts: [object(`beside-${version}-${at}`)],
            }),
          ),
        ),
      );
      t.equal(results.filter((result) => result === 'committed').length, 1);
      t.equal(results.filter((result) => result === 'conflict').length, 63);
      t.equal((await store.load('blue', ['a']))[0]?.version, version);
      const beside = await store.load(
        'blue',
        results.map((_, at) => `beside-${version}-${at}`),
      );
      t.strictSame(
        beside.map(({ id }) => id),
        [`beside-${version}-${results.indexOf('committed')}`],
        'only the winner has written what stood beside',
      );
    }
  });

  await t.test(
    'units share transactions when they arrive together, and a failing unit affects no other',
    async (t) => {
      const { driver, store } = await openStore(t);
      await add(store, object('taken', { terms: { add: [term('Name', 'x')] } }));
      const before = driver.counts;
      const results = await Promise.allSettled(
        Array.from({ length: 100 }, (_, at) => {
          if (at === 30) return store.commit(unit({ inserts: [object('taken')] }));
          if (at === 60)
            return driver.commit({
              ...{ objects: [], changes: [] },
              steps: [{ sql: 'select nonsense', parameters: [] }],
            });
          return store.commit(unit({ inserts: [object(`n-${at}`, { terms: { add: [term('Name', at)] } })] }));
        }),
      );
      const units = driver.counts.units - before.units;
      const transactions = driver.counts.transactions - before.transactions;
      t.equal(units, 100);
      t.ok(transactions < units / 4, `${units} units in ${transactions} transactions`);
      for (const [at, result] of results.entries()) {
        if (at === 60) t.equal(result.status, 'rejected', 'a statement that the database rejects');
        else if (at === 30) t.strictSame(result, { status: 'fulfilled', value: 'conflict' });
        else if (result.status !== 'fulfilled' || result.value !== 'committed') t.fail(`unit ${at}`);
      }
      t.notOk(
        results[60]?.status === 'rejected' && results[60].reason instanceof StoreUnavailableError,
        'a bug is not a transient failure',
      );
      t.equal((await findAll(store)).total, 99);
    },
  );

  await t.test('a unique name is refused when another object of the group holds it', async (t) => {
    const { store } = await openStore(t);
    await add(store, object('a', { uniqueNames: { add: ['one', 'two'] } }));
    const insert = (id: string, add: string[], group = 'blue') =>
      store.commit(unit({ inserts: [object(id, { uniqueNames: { add }, group })] }));
    t.equal(await insert('b', ['one']), 'taken');
    t.strictSame(await store.load('blue', ['b']), []);
    t.equal(await insert('r', ['one'], 'red'), 'committed', 'another group');
    t.equal(await insert('b', ['three', 'three']), 'committed');
    const a2 = object('a', { version: 2, uniqueNames: { remove: ['one'], add: ['four'] } });
    t.equal(await store.commit(unit({ updates: [a2] })), 'committed');
    t.equal(await insert('c', ['two']), 'taken', 'kept through the update');
    t.equal(await insert('c', ['one']), 'committed', 'released by the update');
    const thief = object('c', { version: 2, uniqueNames: { remove: ['two'] } });
    t.equal(await store.commit(unit({ updates: [thief] })), 'committed');
    t.equal(await insert('d', ['two']), 'taken', 'not released by another object');
    const swap = [
      object('a', { version: 3, uniqueNames: { remove: ['two', 'four'], add: ['three'] } }),
      object('b', { version: 2, uniqueNames: { remove: ['three'], add: ['two', 'four'] } }),
    ];
    t.equal(await store.commit(unit({ updates: swap })), 'committed', 'exchanged in one unit');
    const both = await Promise.all([insert('d', ['new']), insert('e', ['new'])]);
    t.strictSame(both.sort(), ['committed', 'taken']);
  });

  await t.test('a previous unique name is taken where it is free', async (t) => {
    const { store } = await openStore(t);
    await add(store, object('a'), object('b', { uniqueNames: { add: ['one'] } }));
    let version = 1;
    const update = (add: string[], previousNames: string[]) => {
      const updates = [object('a', { version: version + 1, uniqueNames: { add } })];
      return store.commit(unit({ updates, previousNames })).then((result) => {
        if (result === 'committed') version += 1;
        return result;
      });
    };
    const insert = (id: string, name: string) =>
      store.commit(unit({ inserts: [object(id, { uniqueNames: { add: [name] } })] }));
    t.equal(await update(['one'], []), 'taken', 'a new name');
    t.equal(await update(['one'], ['two']), 'taken', 'a new name in the place of another');
    t.equal(await update(['one', 'two'], ['one', 'two']), 'committed', 'previous names');
    t.equal(await insert('c', 'two'), 'taken', 'the free one is held');
    const given = object('b', { version: 2, uniqueNames: { remove: ['one'] } });
    t.equal(await store.commit(unit({ updates: [given] })), 'committed');
    t.equal(await update(['one', 'two'], ['one', 'two']), 'committed');
    t.equal(await insert('c', 'one'), 'taken', 'so is the other, once it was given up');
  });

  await t.test('commit rejects what no object can be', async (t) => {
    const { store } = await openStore(t);
    const half = object('a', { columns: { State: 1.5 } });
    await t.rejects(store.commit(unit({ inserts: [half] })), RangeError);
    const replacing = { ...object('a'), replacedTag: box(1) };
    await t.rejects(store.commit(unit({ inserts: [replacing] })), TypeError);
    const replaced = { ...object('a', { version: 2 }), replacedTag: null };
    await t.rejects(store.commit(unit({ updates: [replaced] })), TypeError);
    t.strictSame(await store.load('blue', ['a']), []);
  });

  await t.test('two processes write into the same database', { timeout: 60_000 }, async (t) => {
    const { url, store } = await openStore(t);
    await add(store, object('shared'));
    const child = fork(new URL('./second-process.ts', import.meta.url), [url], { silent: true });
    t.teardown(() => child.kill());
    await once(child, 'message');
    const exit = once(child, 'exit');
    child.send('go');
    const winners = { here: 0, conflicts: 0 };
    for (let at = 0; at < 60; at += 1) {
      const [shared] = await store.load('blue', ['shared']);
      const version = (shared?.version ?? 0) + 1;
      const result = await store.commit(
        unit({ inserts: [object(`here-${at}`)], updates: [object('shared', { version })] }),
      );
      if (result === 'committed') winners.here += 1;
      else winners.conflicts += 1;
    }
    const [code] = await exit;
    t.equal(code, 0);
    const found = await findAll(store, { all: [] }, { limit: 1_000 });
    const there = found.ids.filter((id) => id.startsWith('there-')).length;
    t.equal(found.ids.filter((id) => id.startsWith('here-')).length, winners.here);
    t.ok(there > 0);
    t.equal(
      (await store.load('blue', ['shared']))[0]?.version,
      1 + winners.here + there,
      'no update was lost',
    );
    t.comment(`${winners.here} here, ${there} there, ${winners.conflicts} conflicts here`);
  });

  await filterSuite(t, openStore);
  await groupSuite(t, async (test) => (await openStore(test)).driver);
  await recordSuite(t, openStore);
  await matchSuite(t, openStore);
  await changesSuite(t, openStore);
  await keyringSuite(t, openStore);
  await snapshotSuite(t, openStore);
  await schemaSuite(t, engine);
  await repairSuite(t, engine);
}

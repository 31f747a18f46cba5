import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Test } from 'tap';
import { migrations as released } from '../../src/store/migrations/index.ts';
import { type Migration, SchemaTooNewError } from '../../src/store/migrations/migration.ts';
import type { SqlDriver } from '../../src/store/sql-driver.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import { type Store, StoreUnavailableError } from '../../src/store/store.ts';
import { clientSuite } from './clients-suite.ts';
import { filterSuite } from './filter-suite.ts';
import { groupSuite } from './groups-suite.ts';
import { add, entry, object, sealed, unit } from './objects.ts';
import { recordSuite } from './records-suite.ts';

/** One engine under test. */
export interface Engine {
  /** URL of a fresh, empty database, removed when the tests end. */
  fresh(): Promise<string>;
  open(url: string, options?: { readonly migrations?: readonly Migration[] }): Promise<SqlDriver>;
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
    const plain = object('a', { sealed: null, objectType: 'SplitKey', attributes: new Uint8Array(0) });
    const strange = object('ü \u0000\u001a0"\'$1', {
      group: 'g\u0000\u001a1',
      sealed: sealed(...Array(3000).keys()),
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
        attributes: new Uint8Array(0),
        sealed: null,
      });
      const [other] = await store.load(strange.group, [strange.id]);
      t.equal(other?.id, strange.id);
      t.equal(other?.group, strange.group);
      t.strictSame(other?.sealed, strange.sealed);
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

  await t.test('an update replaces value and index entries', async (t) => {
    const { store } = await openStore(t);
    const before = [
      entry('State', 1),
      entry('Name', 'old', 'NameValue'),
      entry('Fresh', 1),
      entry('Link', 'x'),
    ];
    await add(store, object('a', { index: before }));
    const after = [entry('State', 2), entry('Fresh', 1), entry('Name', 'new', 'NameValue', 1)];
    const next = object('a', { version: 2, sealed: null, attributes: new Uint8Array([9]), index: after });
    t.equal(await store.commit(unit({ updates: [next] })), 'committed');
    const [loaded] = await store.load('blue', ['a']);
    t.strictSame([loaded?.version, loaded?.sealed, loaded?.attributes], [2, null, new Uint8Array([9])]);
    const has = async (attribute: string, field: string, value: string | number) => {
      const filter = { attribute, fields: [{ field, op: '=', value }] } as const;
      return (await store.find({ group: 'blue', filter, offset: 0, limit: 9 })).total;
    };
    t.equal(await has('State', '', 1), 0);
    t.equal(await has('State', '', 2), 1);
    t.equal(await has('Fresh', '', 1), 1);
    t.equal(await has('Name', 'NameValue', 'old'), 0);
    t.equal(await has('Name', 'NameValue', 'new'), 1);
    t.equal(await has('Link', '', 'x'), 0);
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
              updates: [object('a', { version, index: [entry('Winner', at)] })],
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
      await add(store, object('taken', { index: [entry('Name', 'x')] }));
      const before = driver.counts;
      const results = await Promise.allSettled(
        Array.from({ length: 100 }, (_, at) => {
          if (at === 30) return store.commit(unit({ inserts: [object('taken')] }));
          if (at === 60)
            return driver.commit({ objects: [], steps: [{ sql: 'select nonsense', parameters: [] }] });
          return store.commit(unit({ inserts: [object(`n-${at}`, { index: [entry('Name', `n-${at}`)] })] }));
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
      const all = { group: 'blue', filter: { all: [] }, offset: 0, limit: 1 };
      t.equal((await store.find(all)).total, 99);
    },
  );

  await t.test('a unique key is refused when another object of the group holds it', async (t) => {
    const { store } = await openStore(t);
    const long = 'k'.repeat(5_000);
    await add(store, object('a', { uniqueKeys: ['one', 'two', long] }));
    const insert = (id: string, keys: string[], group = 'blue') =>
      store.commit(unit({ inserts: [object(id, { uniqueKeys: keys, group })] }));
    t.equal(await insert('b', ['one']), 'taken');
    t.equal(await insert('b', [long]), 'taken');
    t.strictSame(await store.load('blue', ['b']), []);
    t.equal(await insert('r', ['one'], 'red'), 'committed', 'another group');
    t.equal(await insert('b', ['three', 'three']), 'committed');
    const a2 = object('a', { version: 2, uniqueKeys: ['two', 'four'] });
    t.equal(await store.commit(unit({ updates: [a2] })), 'committed');
    t.equal(await insert('c', ['two']), 'taken', 'kept through the update');
    t.equal(await insert('c', ['one']), 'committed', 'released by the update');
    const swap = [
      object('a', { version: 3, uniqueKeys: ['three'] }),
      object('b', { version: 2, uniqueKeys: ['two', 'four'] }),
    ];
    t.equal(await store.commit(unit({ updates: swap })), 'committed', 'exchanged in one unit');
    const both = await Promise.all([insert('d', ['new']), insert('e', ['new'])]);
    t.strictSame(both.sort(), ['committed', 'taken']);
  });

  await t.test('a previous unique key is taken where it is free', async (t) => {
    const { store } = await openStore(t);
    await add(store, object('a'), object('b', { uniqueKeys: ['one'] }));
    let version = 1;
    const update = (uniqueKeys: string[], previousKeys: string[]) => {
      const updates = [object('a', { version: version + 1, uniqueKeys })];
      return store.commit(unit({ updates, previousKeys })).then((result) => {
        if (result === 'committed') version += 1;
        return result;
      });
    };
    const insert = (id: string, key: string) =>
      store.commit(unit({ inserts: [object(id, { uniqueKeys: [key] })] }));
    t.equal(await update(['one'], []), 'taken', 'a new key');
    t.equal(await update(['one'], ['two']), 'taken', 'a new key in the place of another');
    t.equal(await update(['one', 'two'], ['one', 'two']), 'committed', 'previous keys');
    t.equal(await insert('c', 'two'), 'taken', 'the free one is held');
    t.equal(await store.commit(unit({ updates: [object('b', { version: 2 })] })), 'committed');
    t.equal(await update(['one', 'two'], ['one', 'two']), 'committed');
    t.equal(await insert('c', 'one'), 'taken', 'so is the other, once it was given up');
  });

  await t.test('commit rejects when one field has two index entries', async (t) => {
    const { store } = await openStore(t);
    const twice = object('a', { index: [entry('State', 1), entry('State', 2)] });
    await t.rejects(store.commit(unit({ inserts: [twice] })), TypeError);
    const half = object('a', { index: [entry('State', 1.5)] });
    await t.rejects(store.commit(unit({ inserts: [half] })), RangeError);
    t.strictSame(await store.load('blue', ['a']), []);
  });

  await t.test('opening migrates an older schema and rejects a newer one', async (t) => {
    const url = await engine.fresh();
    const first = await engine.open(url, { migrations: released.slice(0, 1) });
    await add(createSqlStore(first), object('a'));
    await first.close();
    const version = released.length + 1;
    const next: Migration = { version, name: 'next', statements: () => ['create table later (id text)'] };
    await (await engine.open(url, { migrations: [...released, next] })).close();
    await t.rejects(engine.open(url), {
      name: 'SchemaTooNewError',
      message: new RegExp(`has schema version ${version}, this kmipd knows ${released.length}: `),
    });
    await t.rejects(engine.open(url), SchemaTooNewError);
    const newest = await engine.open(url, { migrations: [...released, next] });
    t.teardown(() => newest.close());
    t.equal((await createSqlStore(newest).load('blue', ['a'])).length, 1);
    const failing: Migration = {
      version: version + 1,
      name: 'bad',
      statements: () => ['create table half (id text)', 'nonsense'],
    };
    await t.rejects(engine.open(url, { migrations: [...released, next, failing] }));
    t.equal(
      Number((await newest.read('select max(version) as v from migration', []))[0]?.v),
      version,
      'all or nothing',
    );
    await t.rejects(newest.read('select * from half', []));
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
    const found = await store.find({ group: 'blue', filter: { all: [] }, offset: 0, limit: 1_000 });
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
  await clientSuite(t, engine);
}

import type { Test } from 'tap';
import type { LaneDriver } from '../../src/store/lane-driver.ts';
import { selectLanes, toLaneRow } from '../../src/store/lanes/open-lane.ts';
import { segmentOf } from '../../src/store/lanes/set-hash.ts';
import { createSqlKeyrings } from '../../src/store/sql-keyrings.ts';
import { StoreUnavailableError } from '../../src/store/store.ts';
import { boxTag, type KeyringStore } from '../../src/vault/vault.ts';
import { foldSuite } from './fold-suite.ts';
import { HashingVault } from './hashing-vault.ts';
import { laneSeq, MemoryAnchors, runSql, startProcess, wrongSegments } from './lane-process.ts';
import { add, box, object, record, unit } from './objects.ts';
import type { Engine } from './suite.ts';
import { unfoldSuite } from './unfold-suite.ts';

/** Tests of lanes on an engine: rows and their hash are committed together, whatever becomes of a group. */
export async function laneSuite(t: Test, engine: Engine): Promise<void> {
  const open = async (): Promise<LaneDriver> => engine.open(await engine.fresh());
  const start = async (t: Test) => startProcess(t, await open());

  await t.test('the lane follows every kind of change', async (t) => {
    const { driver, store } = await start(t);
    const check = async (what: string, seq: number) => {
      t.strictSame(await wrongSegments(driver), [], `${what}: rows and lane agree`);
      t.equal(await laneSeq(driver), seq, `${what}: commit ${seq}`);
    };
    await add(store, object('a'), object('b'));
    await check('insertions', 1);
    const updates = [object('a', { version: 2 })];
    t.equal(await store.commit(unit({ updates, inserts: [object('c')] })), 'committed');
    await check('an update', 2);
    const client = record('client', { kind: 'client', expires: 5 });
    const puts = [record('x'), client, record('y', { expires: 7 })];
    await store.commit(unit({ records: { expects: [], puts, removals: [] } }));
    await check('records', 3);
    const removals = [{ kind: 'note', key: 'key of note x', version: 1, tag: boxTag(box(1, 0, 255)) }];
    const next = { ...client, version: 2, replacedTag: boxTag(client.box), expires: null };
    await store.commit(unit({ records: { expects: [], puts: [next], removals } }));
    await check('a removal and an update of a record', 4);
    await store.deleteExpired(6, () => true);
    await check('nothing has expired', 4);
    await store.deleteExpired(7, () => false);
    await check('an expired record that is not genuine', 4);
    await store.deleteExpired(7, () => true);
    await check('an expired record', 5);
    await store.ping();
    await store.commit(unit({ expects: [{ id: 'a', group: 'blue', version: 2 }] }));
    await check('units that write nothing', 5);
  });

  await t.test('a process knows the latest time that any lane has stated, and it never falls', async (t) => {
    const url = await engine.fresh();
    const first = await startProcess(t, await engine.open(url), { name: 'first' });
    const second = await startProcess(t, await engine.open(url), { name: 'second' });
    t.equal(second.driver.lanes.latestTime(), 0);
    const { now } = Date;
    t.teardown(() => {
      Date.now = now;
    });
    for (const [id, seconds] of [
      ['a', 4_000_000_000],
      ['b', 3_000_000_000],
    ] as const) {
      Date.now = () => seconds * 1000;
      await add(first.store, object(id));
      await second.driver.lanes.check();
      t.equal(second.driver.lanes.latestTime(), 4_000_000_000);
    }
  });

  await t.test('units that do not go through leave no trace in the lane', async (t) => {
    const { driver, store } = await start(t);
    await add(store, object('a'), object('b'));
    const results = await Promise.all([
      store.commit(unit({ updates: [object('a', { version: 2 })] })),
      store.commit(unit({ updates: [object('a', { version: 2, box: box(9) })] })),
      store.commit(unit({ inserts: [object('b')] })),
      store.commit(unit({ inserts: [object('c'), object('b', { box: box(7) })] })),
      store.commit(unit({ inserts: [object('d', { uniqueNames: { add: ['n'] } })] })),
      store.commit(unit({ inserts: [object('e', { uniqueNames: { add: ['n'] } })] })),
      store.commit(unit({ records: { expects: [], puts: [record('x')], removals: [] } })),
    ]);
    t.strictSame(
      results,
      ['committed', 'conflict', 'conflict', 'conflict', 'committed', 'taken', 'committed'],
      'one group, of which some units went through',
    );
    t.strictSame(await wrongSegments(driver), []);
    t.equal(await laneSeq(driver), 2, 'a group is one commit of the lane');
    const lost = [object('a'), object('b')].map((each) => store.commit(unit({ inserts: [each] })));
    t.strictSame(await Promise.all(lost), ['conflict', 'conflict']);
    t.equal(await laneSeq(driver), 2, 'a group of which none went through is no commit');
    const tests = [
      unit({ expects: [{ id: 'a', group: 'blue', version: 2 }] }),
      unit({ inserts: [object('b')] }),
    ];
    t.strictSame(await Promise.all(tests.map((each) => store.commit(each))), ['committed', 'conflict']);
    t.equal(await laneSeq(driver), 2, 'a group of which none changed a row is no commit');
    await add(store, object('f'));
    t.strictSame(await wrongSegments(driver), []);
  });

  await t.test('a process continues the lane that it has left', async (t) => {
    const url = await engine.fresh();
    const anchors = new MemoryAnchors();
    const eras = new Set<number>();
    for (const at of [1, 2, 3]) {
      const driver = await engine.open(url);
      const { store, events } = await startProcess(t, driver, { anchors });
      await add(store, object(`object ${at}`));
      t.strictSame(events, at === 1 ? ['anchored'] : []);
      t.equal(await laneSeq(driver), at);
      t.strictSame(await wrongSegments(driver), []);
      for (const row of await driver.read(selectLanes, [])) eras.add(toLaneRow(row).era);
      await driver.close();
      t.match(anchors.anchors, [{ lanes: [{ name: 'node', seq: at, box: /^[0-9a-f]{64}$/ }] }]);
    }
    t.equal(eras.size, 3, 'each start has its own era');
  });

  await t.test('a keyring that another process renews during a comparison is no older one', async (t) => {
    const url = await engine.fresh();
    const driver = await engine.open(url);
    const stored = createSqlKeyrings(driver);
    const content = new Uint8Array(1);
    t.ok(await stored.write({ generation: 1, content }));
    let between = async () => {};
    const keyrings: KeyringStore = {
      ...stored,
      async read() {
        const found = await stored.read();
        await between();
        return found;
      },
    };
    const first = await startProcess(t, driver, { name: 'first', keyrings });
    const second = await startProcess(t, await engine.open(url), { name: 'second' });
    between = async () => {
      between = async () => {};
      t.ok(await stored.write({ generation: 2, content }));
      await second.driver.lanes.check();
      await add(second.store, object('of generation 2'));
    };
    for (let at = 0; at < 2; at += 1) await driver.lanes.check();
    t.strictSame(first.events, ['anchored']);
    await add(first.store, object('goes on'));
  });

  await t.test('boxes of earlier starts and of other processes are counted', async (t) => {
    const url = await engine.fresh();
    const add20 = async (name: string) => {
      const process = await startProcess(t, await engine.open(url), { name });
      for (let at = 0; at < 20; at += 1) await add(process.store, object(`${name} ${Math.random()}`));
      return process;
    };
    const first = await add20('first');
    t.equal(first.vault.sealCounter.own.count, 20, 'one for each lane');
    await first.driver.close();
    const { driver, vault } = await add20('first');
    t.equal(vault.sealCounter.own.count, 39, 'a lane does not count its own box');
    const second = await add20('second');
    t.equal(second.vault.sealCounter.own.count, 20);
    await driver.lanes.check();
    t.equal(vault.sealCounter.add(1), 59);
  });

  await t.test('processes with lanes of their own do not wait for each other', async (t) => {
    const url = await engine.fresh();
    const first = await startProcess(t, await engine.open(url), { name: 'first' });
    const second = await startProcess(t, await engine.open(url), { name: 'second' });
    await Promise.all(
      Array.from({ length: 40 }, async (_, at) => {
        const { store } = at % 2 === 0 ? first : second;
        await add(store, object(`object ${at}`));
        await store.commit(unit({ updates: [object(`object ${at % 7}`, { version: 2 })] }));
      }),
    );
    t.strictSame(await wrongSegments(first.driver), []);
    await Promise.all([first.driver.lanes.check(), second.driver.lanes.check()]);
    t.strictSame([...first.events, ...second.events], ['anchored', 'anchored']);
    await add(first.store, object('last'));
    const rows = (await first.driver.read(selectLanes, [])).map(toLaneRow);
    t.strictSame(rows.map(({ name }) => name).toSorted(), ['first', 'second']);
  });

  await t.test('nothing is written while the vault is sealed', async (t) => {
    const vault = new HashingVault();
    vault.unsealed = false;
    const driver = await open();
    const { store } = await startProcess(t, driver, { vault });
    await t.rejects(add(store, object('a')), StoreUnavailableError);
    await store.ping();
    vault.unsealed = true;
    await t.rejects(add(store, object('a')), StoreUnavailableError, 'before the lanes were compared');
    await driver.lanes.check();
    await add(store, object('a'));
    vault.unsealed = false;
    await t.rejects(add(store, object('b')));
    vault.unsealed = true;
    await add(store, object('b'));
    t.strictSame(await wrongSegments(driver), []);
  });

  await t.test('of two processes of one name, the one that finds the other stops', async (t) => {
    const url = await engine.fresh();
    const first = await startProcess(t, await engine.open(url));
    await add(first.store, object('a'));
    const second = await startProcess(t, await engine.open(url));
    await add(second.store, object('b'));
    await t.rejects(add(first.store, object('c')), {
      name: 'StoreUnavailableError',
      message: /another process/,
    });
    t.match(first.events, ['anchored', /^displaced: /]);
    await t.rejects(first.store.ping(), StoreUnavailableError);
    await add(second.store, object('d'));
    t.strictSame(await wrongSegments(second.driver), []);
    t.strictSame(second.events, ['anchored']);
  });

  await t.test(
    'an anchor that cannot be written is reported, and written when it can be again',
    async (t) => {
      const { driver, store, anchors, events } = await start(t);
      const reported = Promise.withResolvers<void>();
      const { push } = events;
      events.push = (...texts) => {
        reported.resolve();
        return push.apply(events, texts);
      };
      const write = anchors.write.bind(anchors);
      anchors.write = () => Promise.reject(new Error('the disk is full'));
      const before = anchors.anchors;
      await add(store, object('a'));
      await reported.promise;
      t.match(events, ['anchored', 'not anchored: the disk is full']);
      t.strictSame(anchors.anchors, before);
      await add(store, object('b'));
      anchors.write = write;
      await driver.lanes.check();
      t.notSame(anchors.anchors, before);
    },
  );

  await t.test('a deleted row is missed in its segment', async (t) => {
    const { driver, store } = await start(t);
    await add(store, object('a'), object('b'));
    await runSql(driver, ["delete from managed_object where id = 'b'"]);
    t.strictSame(await wrongSegments(driver), [segmentOf('b')]);
  });

  await foldSuite(t, engine);
  await unfoldSuite(t, engine);
}

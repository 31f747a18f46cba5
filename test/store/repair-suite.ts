import type { Test } from 'tap';
import type { LaneDriver } from '../../src/store/lane-driver.ts';
import { createRepair } from '../../src/store/repair.ts';
import { createSnapshot } from '../../src/store/snapshot.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import { add, findAll, object, record, unit } from './objects.ts';
import type { Engine } from './suite.ts';

const tables = ['managed_object', 'sealed_record'] as const;
const maxUsual = 2n ** 52n;

/** Tests of the numbers of rows, for every engine. */
export async function repairSuite(t: Test, engine: Engine): Promise<void> {
  const open = async (t: Test) => {
    const driver = await engine.open(await engine.fresh());
    t.teardown(() => driver.close());
    const store = createSqlStore(driver);
    await add(store, ...['a', 'b', 'c', 'd', 'e'].map((id) => object(id)));
    await store.commit(unit({ records: { expects: [], puts: [record('r'), record('s')], removals: [] } }));
    return { driver, store };
  };
  const run = async (driver: LaneDriver, ...statements: readonly string[]) => {
    const steps = statements.map((sql) => ({ sql, parameters: [] }));
    if ((await driver.commit({ objects: [], changes: [], steps })) !== 'committed')
      throw new Error('refused');
  };
  /** Gives rows other numbers, as somebody else does. */
  const number = async (driver: LaneDriver, ...updates: readonly string[]) => {
    const isPostgres = driver.dialect.integer === 'bigint';
    const set = (to: string) =>
      isPostgres ? tables.map((table) => `alter table ${table} alter seq set generated ${to}`) : [];
    await run(driver, ...set('by default'), ...updates, ...set('always'));
  };
  const read = (driver: LaneDriver) =>
    driver.snapshot(async (read) => {
      const all = createSnapshot(read, driver.dialect);
      const objects = (await all.objects(0)).map(({ id }) => id);
      const records = (await all.records(0)).map(({ key }) => key);
      return { objects, records, strays: await all.strays(), wrong: await all.wrongSequences() };
    });
  const keys = ['key of note r', 'key of note s'];
  const setTo = (driver: LaneDriver, number: bigint | number) => {
    const statements = tables.map((table) =>
      driver.dialect.continueAfter(table).replaceAll('$1', `${number}`),
    );
    // The number is too large for a result.
    return run(driver, ...statements.map((sql) => sql.replace(/^select (.*)$/, 'select ($1) is null')));
  };

  const renumber = async (driver: LaneDriver) => createRepair(driver).renumber((await read(driver)).wrong);

  await t.test('Destroy Dates are listed page by page to the last object', async (t) => {
    const { driver, store } = await open(t);
    const list = (after: number) =>
      driver.snapshot((read) => createSnapshot(read, driver.dialect).destroyDates(after));
    t.match(await list(0), { objects: { length: 5 }, isLast: true });
    await add(store, ...Array.from({ length: 1_000 }, (_, at) => object(`more ${at}`)));
    const first = await list(0);
    t.match(first, { objects: { length: 1_000 }, isLast: false });
    const rest = await list(first.objects.at(-1)?.seq ?? 0);
    t.match(rest, { objects: { length: 5 }, isLast: true });
    t.equal(new Set([...first.objects, ...rest.objects].map(({ id }) => id)).size, 1_005);
  });

  await t.test('a sequence that is right is not touched', async (t) => {
    const { driver, store } = await open(t);
    await setTo(driver, 100);
    t.equal(await renumber(driver), 0);
    await add(store, object('next'));
    const [row] = await driver.read("select seq from managed_object where id = 'next'", []);
    t.equal(row?.seq, 101);
  });

  await t.test('rows whose number is none of the database get new ones', async (t) => {
    const { driver, store } = await open(t);
    t.equal(await renumber(driver), 0);
    t.same(await read(driver), { objects: ['a', 'b', 'c', 'd', 'e'], records: keys, strays: 0, wrong: [] });
    await number(
      driver,
      "update managed_object set seq = -seq where id in ('a', 'c')",
      `update managed_object set seq = ${2n ** 60n} where id = 'b'`,
      `update managed_object set seq = ${2n ** 53n} where id = 'd'`,
      "update sealed_record set seq = 0 where key like '% s'",
    );
    t.match(await read(driver), { objects: ['e'], records: ['key of note r'], strays: 5 });
    t.equal(await renumber(driver), 5);
    t.same(await read(driver), { objects: ['e', 'd', 'b', 'c', 'a'], records: keys, strays: 0, wrong: [] });
    await add(store, object('f'));
    t.same((await findAll(store)).ids, ['f', 'a', 'c', 'b', 'd', 'e']);
  });

  await t.test('new numbers are free', async (t) => {
    const { driver } = await open(t);
    const half = maxUsual / 2n;
    await number(
      driver,
      `update managed_object set seq = ${half} where id = 'a'`,
      `update managed_object set seq = ${half + 1n} where id = 'b'`,
      `update managed_object set seq = ${half + 2n} where id = 'c'`,
      `update managed_object set seq = -seq where id = 'd'`,
    );
    t.equal(await renumber(driver), 3);
    t.same(await read(driver), { objects: ['e', 'a', 'b', 'c', 'd'], records: keys, strays: 0, wrong: [] });
    await number(driver, `update managed_object set seq = ${2n ** 53n - 1n} where id = 'e'`);
    t.match(await read(driver), { strays: 0, wrong: ['managed_object'] });
    t.equal(await renumber(driver), 4);
    t.same(await read(driver), { objects: ['a', 'b', 'c', 'd', 'e'], records: keys, strays: 0, wrong: [] });
  });

  await t.test('a sequence that somebody has set goes on after the rows', async (t) => {
    const { driver, store } = await open(t);
    for (const last of [1, maxUsual + 1n, 2n ** 60n, 2n ** 63n - 1n]) {
      await setTo(driver, last);
      t.same((await read(driver)).wrong, tables, String(last));
      t.equal(await renumber(driver), 0);
      t.same((await read(driver)).wrong, []);
      await add(store, object(`after ${last}`));
      t.equal((await findAll(store)).ids[0], `after ${last}`);
    }
  });

  await t.test('nothing is written under a number that is not found again', async (t) => {
    const { driver, store } = await open(t);
    const note = unit({ records: { expects: [], puts: [record('late')], removals: [] } });
    const refused = (table: string) => ({
      name: 'StoreUnavailableError',
      message: new RegExp(`the sequence of table ${table} was changed .*; kmipd vault accept resets it$`),
    });
    for (const last of [2n ** 53n - 1n, 2n ** 60n, 2n ** 63n - 1n]) {
      await setTo(driver, last);
      await t.rejects(store.commit(unit({ inserts: [object('late')] })), refused('managed_object'));
      // Of two that have come to their end, SQLite does not say which one it was.
      await t.rejects(store.commit(note), refused(last === 2n ** 63n - 1n ? '\\w+' : 'sealed_record'));
      const update = unit({ updates: [object('a', { version: 2 })] });
      if (last === 2n ** 60n) t.equal(await store.commit(update), 'committed', 'other writes go on');
    }
    if (driver.dialect.integer === 'bigint') {
      await setTo(driver, 1);
      await t.rejects(store.commit(unit({ inserts: [object('late')] })), refused('managed_object'));
    }
    t.match(await read(driver), { objects: ['a', 'b', 'c', 'd', 'e'], records: keys, strays: 0 });
    await renumber(driver);
    await add(store, object('late'));
    t.equal(await store.commit(note), 'committed');
  });
}

import type { Test } from 'tap';
import type { LaneDriver } from '../../src/store/lane-driver.ts';
import { migrations as released } from '../../src/store/migrations/index.ts';
import {
  createStatements,
  FirstDesignError,
  type Migration,
  recordingStep,
  SchemaTooNewError,
} from '../../src/store/migrations/migration.ts';
import { openDriver } from '../../src/store/open.ts';
import { probeStore } from '../../src/store/probe.ts';
import { createSqlKeyrings } from '../../src/store/sql-keyrings.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import { add, findAll, object } from './objects.ts';
import { withLanes } from './start-lanes.ts';
import type { Engine } from './suite.ts';

const newest = released.at(-1)?.version ?? 0;

/** Tests of migrations, for every engine. */
export async function schemaSuite(t: Test, engine: Engine): Promise<void> {
  await t.test('opening migrates an older schema and rejects a newer one', async (t) => {
    const url = await engine.fresh();
    const first = await engine.open(url);
    await add(createSqlStore(first), object('a'));
    await first.close();
    const version = newest + 1;
    const next: Migration = { version, name: 'next', statements: () => ['create table later (id text)'] };
    await (await engine.open(url, { migrations: [...released, next] })).close();
    const refusal = {
      name: 'SchemaTooNewError',
      message: new RegExp(`has schema version ${version}, this kmipd knows ${newest}: `),
    };
    await t.rejects(engine.open(url), refusal);
    await t.rejects(engine.open(url, { isConversion: true }), refusal);
    await t.rejects(probeStore(url), SchemaTooNewError);
    const later = await engine.open(url, { migrations: [...released, next] });
    t.teardown(() => later.close());
    t.equal((await createSqlStore(later).load('blue', ['a'])).length, 1);
    const failing: Migration = {
      version: version + 1,
      name: 'bad',
      statements: () => ['create table half (id text)', 'nonsense'],
    };
    await t.rejects(engine.open(url, { migrations: [...released, next, failing] }));
    t.equal(
      Number((await later.read('select max(version) as v from migration', []))[0]?.v),
      version,
      'all or nothing',
    );
    await t.rejects(later.read('select * from half', []));
  });

  await t.test('a length that may be that of a password goes from its column', async (t) => {
    const url = await engine.fresh();
    const before = await engine.open(url, { migrations: released.filter(({ version }) => version < 6) });
    const types = ['SecretData', 'OpaqueObject', 'SymmetricKey'];
    const steps = types.map((type) => ({
      sql: `insert into managed_object (id, object_type, grp, length, version, box) values ($1, $1, 'blue', 256, 1, $2)`,
      parameters: [type, new Uint8Array()],
    }));
    t.equal(await before.commit({ objects: [], changes: [], steps }), 'committed');
    await before.close();
    const driver = await engine.open(url);
    t.teardown(() => driver.close());
    const rows = await driver.read('select length from managed_object order by seq', []);
    t.strictSame(
      rows.map(({ length }) => length),
      [null, null, 256],
    );
  });

  await t.test('a probe reads the keyring and says whether a schema is the present one', async (t) => {
    const url = await engine.fresh();
    t.strictSame(await probeStore(url), { keyring: undefined, isMigrated: false });
    const driver = await engine.open(url);
    t.strictSame(await probeStore(url), { keyring: undefined, isMigrated: true });
    const keyring = { generation: 1, content: new Uint8Array([1, 2]) };
    await createSqlKeyrings(driver).write(keyring);
    await driver.close();
    const probed = await probeStore(url);
    t.same(probed.keyring?.generation, 1);
    t.same(Uint8Array.from(probed.keyring?.content ?? []), keyring.content);
  });

  for (const version of [1, 2, 3, 4])
    await t.test(`version ${version} of the first design is only opened for its conversion`, async (t) => {
      const url = await engine.fresh();
      const old: Migration = {
        ...{ version, name: 'old', statements: () => ['create table object (id text)'] },
      };
      await (await engine.open(url, { migrations: [old] })).close();
      const refusal = {
        name: 'FirstDesignError',
        message: new RegExp(`has schema version ${version}, of the first design: "kmipd serve" converts it$`),
      };
      await t.rejects(engine.open(url), refusal);
      await t.rejects(engine.open(url), FirstDesignError);
      await t.rejects(probeStore(url), refusal);
      const attempt = await openConverting(url);
      await add(createSqlStore(attempt), object('of the first attempt'));
      await attempt.close();
      await t.rejects(engine.open(url), refusal, 'until the version is recorded');
      const driver = await openConverting(url);
      const store = createSqlStore(driver);
      t.equal((await findAll(store)).total, 0, 'each attempt begins with empty tables');
      await add(store, object('converted'));
      const steps = [{ sql: 'drop table object', parameters: [] }, ...released.map(recordingStep)];
      t.equal(await driver.commit({ objects: [], changes: [], steps }), 'committed');
      await driver.close();
      for (const isConversion of [false, true]) {
        const opened = await engine.open(url, { isConversion });
        t.strictSame((await findAll(createSqlStore(opened))).ids, ['converted']);
        await opened.close();
      }
    });
}

/** Opens a database of the first design as its conversion does, with new tables. */
async function openConverting(url: string): Promise<LaneDriver> {
  const driver = await openDriver(url, { isConversion: true });
  const steps = createStatements(released, driver.dialect).map((sql) => ({ sql, parameters: [] }));
  const result = await driver.commit({ objects: [], changes: [], steps });
  if (result !== 'committed') throw new Error(`the tables were not created: ${result}`);
  return withLanes(driver);
}

import t from 'tap';
import { openDatabase } from '../../src/store/open.ts';
import { openPostgres } from '../../src/store/postgres.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import { StoreUnavailableError } from '../../src/store/store.ts';
import { startPostgres } from './embedded-postgres.ts';
import { add, findAll, object, unit } from './objects.ts';
import { openWritable, withLanes } from './start-lanes.ts';

const server = await startPostgres();
if (typeof server === 'string') {
  t.test('PostgreSQL', { skip: server }, async () => {});
} else {
  t.teardown(() => server.stop());

  t.test(
    'two nodes neither hang nor lose commits when they write the same objects in opposite orders',
    async (t) => {
      const url = await server.fresh();
      const nodes = await Promise.all(
        [openPostgres(url), openPostgres(url)].map((node) => node.then(withLanes)),
      );
      t.teardown(() => Promise.all(nodes.map((node) => node.close())));
      const stores = nodes.map((node) => createSqlStore(node));
      const ids = ['a', 'b', 'c', 'd'];
      const [first] = stores;
      if (first === undefined) throw new Error('no store');
      await add(first, ...ids.map((id) => object(id)));
      const tally = { committed: 0, conflict: 0, taken: 0 };
      await Promise.all(
        Array.from({ length: 8 }, async (_, lane) => {
          const store = stores[lane % 2] ?? first;
          for (let at = 0; at < 15; at += 1) {
            const order = lane % 2 === 0 ? ids : ids.toReversed();
            const loaded = new Map((await store.load('blue', ids)).map((one) => [one.id, one.version]));
            const updates = order.map((id) => object(id, { version: (loaded.get(id) ?? 0) + 1 }));
            const names = order.map((id) => `${id}-${at}`);
            const inserts = [object(`${lane}-${at}`, { uniqueNames: { add: lane % 4 < 2 ? names : [] } })];
            tally[await store.commit(unit({ updates, inserts }))] += 1;
          }
        }),
      );
      t.comment(JSON.stringify(tally));
      t.equal(tally.committed + tally.conflict + tally.taken, 120);
      for (const one of await first.load('blue', ids))
        t.equal(one.version, 1 + tally.committed, `${one.id}: every commit counted once`);
      t.equal((await findAll(first)).total, 4 + tally.committed);
    },
  );

  t.test('the next call connects again when connections are lost', async (t) => {
    const url = await server.fresh();
    const driver = await withLanes(await openPostgres(url));
    t.teardown(() => driver.close());
    const store = createSqlStore(driver);
    await add(store, object('a'));
    const acknowledged = ['a'];
    for (let round = 0; round < 5; round += 1) {
      const busy = Array.from({ length: 20 }, (_, at) =>
        add(store, object(`${round}-${at}`)).then(
          () => acknowledged.push(`${round}-${at}`),
          (error) => {
            if (!(error instanceof StoreUnavailableError)) throw error;
          },
        ),
      );
      await server.administer(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'kmipd'`,
      );
      await Promise.all(busy);
      t.equal((await store.load('blue', ['a'])).length, 1);
      // Whether its connection has been noticed to be lost decides the first group's fate.
      await store.ping().catch(() => {});
      await add(store, object(`after-${round}`));
      acknowledged.push(`after-${round}`);
    }
    t.equal((await store.load('blue', acknowledged)).length, acknowledged.length);
    const mistake = await driver.read('select nonsense', []).catch((error) => error);
    t.equal(mistake.code, '42703', 'a wrong statement is not a transient failure');
  });

  t.test('errors do not contain the password when the database is away', async (t) => {
    const url = await server.fresh();
    const { store, close } = await openWritable(url);
    const place = `postgres://${new URL(url).host}${new URL(url).pathname}`;
    await server.administer(`drop database ${new URL(url).pathname.slice(1)} with (force)`);
    const gone = await store.commit(unit({ inserts: [object('a')] })).catch((error) => error);
    t.ok(gone instanceof StoreUnavailableError, String(gone));
    // Whether the end of the connection has been noticed before decides which step fails.
    t.match(gone.message, new RegExp(`^cannot (write|open) ${place}: `));
    const unread = await store.load('blue', ['a']).catch((error) => error);
    t.ok(unread instanceof StoreUnavailableError, String(unread));
    await t.rejects(store.ping(), StoreUnavailableError);
    await close();
    await t.rejects(openDatabase(url), {
      name: 'StoreUnavailableError',
      message: /^cannot open postgres:.*does not exist$/,
    });
    const nobody = Object.assign(new URL(url), { port: '1', password: 'secret' }).href;
    await t.rejects(openDatabase(nobody), {
      name: 'StoreUnavailableError',
      message: /^cannot open ((?!secret).)*ECONNREFUSED/,
    });
    await server.administer(`create database ${new URL(url).pathname.slice(1)}`);
  });

  t.test('opening rejects when the database has another encoding', async (t) => {
    const url = await server.fresh();
    const name = new URL(url).pathname.slice(1);
    await server.administer(`drop database ${name}`);
    await server.administer(`create database ${name} template template0 encoding 'LATIN1' locale 'C'`);
    await t.rejects(openDatabase(url), {
      message: /has the encoding LATIN1: create the database with encoding UTF8$/,
    });
  });

  t.test('a commit is durable when the server defaults to asynchronous commits', async (t) => {
    const url = await server.fresh();
    await server.administer(`alter database ${new URL(url).pathname.slice(1)} set synchronous_commit = off`);
    const driver = await withLanes(await openPostgres(url));
    t.teardown(() => driver.close());
    // No plan for empty tables is kept for full ones.
    t.strictSame(await driver.read('show enable_seqscan', []), [{ enable_seqscan: 'off' }]);
    const step = { sql: `select 1 where current_setting('synchronous_commit') = 'on'`, parameters: [] };
    t.equal(
      await driver.commit({ objects: [], changes: [], steps: [{ ...step, rows: 1, otherwise: 'conflict' }] }),
      'committed',
    );
  });
}

import t, { type Test } from 'tap';
import { StoreUnavailableError } from '../../src/store/store.ts';
import { startPostgres } from './embedded-postgres.ts';
import { startForwarder } from './forwarder.ts';
import { add, object, unit } from './objects.ts';
import { openWritable } from './start-lanes.ts';

/** Servers that go away, come back, or accept no writes for a while. */

const server = await startPostgres();
if (typeof server === 'string') {
  t.test('PostgreSQL', { skip: server }, async () => {});
} else {
  t.teardown(() => server.stop());

  const open = async (t: Test) => {
    const url = new URL(await server.fresh());
    const forwarder = await startForwarder(Number(url.port));
    const { store, close } = await openWritable(
      `${Object.assign(url, { port: String(forwarder.port) }).href}?sslmode=disable`,
    );
    t.teardown(async () => {
      await close();
      await forwarder.stop();
    });
    await add(store, object('a'));
    await store.load('blue', ['a']);
    return { store, forwarder };
  };

  t.test('calls wait for a server that refuses some connections and then accepts them', async (t) => {
    const { store, forwarder } = await open(t);
    for (const refusals of [1, 2, 4]) {
      const before = forwarder.connections;
      forwarder.refuse(refusals);
      forwarder.end();
      t.equal((await store.load('blue', ['a'])).length, 1, `after ${refusals} refusals`);
      t.ok(forwarder.connections > before + refusals);
    }
    // Nothing is in flight: the lost connection is noticed before anything is sent, or fails the first group.
    forwarder.refuse(3);
    forwarder.end();
    const first = await store.commit(unit({ inserts: [object('b')] })).catch((error: Error) => error);
    if (first !== 'committed') {
      t.type(first, StoreUnavailableError, 'the outcome of a group in flight is not known');
      t.equal(await store.commit(unit({ inserts: [object('c')] })), 'committed');
    }
  });

  t.test('while a server stays away, calls share few attempts and then fail at once', async (t) => {
    const { store, forwarder } = await open(t);
    forwarder.refuse(1_000_000);
    forwarder.end();
    const calls = () =>
      Array.from({ length: 50 }, (_, at) =>
        (at % 2 === 0
          ? store.load('blue', ['a'])
          : store.commit(unit({ inserts: [object(`n-${at}`)] }))
        ).then(
          () => t.fail('a call succeeds without a server'),
          (error: Error) => error.name,
        ),
      );
    const before = forwarder.connections;
    const failed = calls();
    t.strictSame(new Set(await Promise.all(failed)), new Set(['StoreUnavailableError']));
    // Eight readers and the writer have lost a connection each; the rest is shared.
    t.ok(forwarder.connections - before < 40, `${forwarder.connections - before} attempts`);
    const during = forwarder.connections;
    t.strictSame(new Set(await Promise.all(calls())), new Set(['StoreUnavailableError']));
    t.equal(forwarder.connections, during, 'no attempt before the pause is over');
    forwarder.refuse(0);
    while ((await store.ping().catch((error) => error)) !== undefined) await new Promise(setImmediate);
    t.equal((await store.load('blue', ['a'])).length, 1, 'and it is used again once it is back');
  });

  t.test('once reads use another server, commits do not go on with the former', async (t) => {
    const url = new URL(await server.fresh());
    const [former, next] = [await startForwarder(Number(url.port)), await startForwarder(Number(url.port))];
    const hosts = `127.0.0.1:${former.port},127.0.0.1:${next.port}`;
    const { store, close } = await openWritable(
      `postgres://postgres:postgres@${hosts}${url.pathname}?sslmode=disable`,
    );
    t.teardown(async () => {
      await close();
      await Promise.all([former.stop(), next.stop()]);
    });
    await store.load('blue', ['a']);
    await add(store, object('a'));
    former.refuse(1_000_000);
    // The last statement of the connection that writes is a commit; this one stays.
    await server.administer(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = '${url.pathname.slice(1)}' and query <> 'commit'`,
    );
    t.equal((await store.load('blue', ['a'])).length, 1);
    t.ok(next.connections > 0, 'reads use the other server');
    t.ok(former.open > 0, 'the connection that writes is still there');
    const reading = next.connections;
    await add(store, object('b'));
    t.ok(next.connections > reading, 'commits use the other server');
    while (former.open > 0) await new Promise(setImmediate);
  });

  t.test('while a server is read-only, reads go on and commits say why they fail', async (t) => {
    const url = await server.fresh();
    const { store, close } = await openWritable(url);
    t.teardown(close);
    await add(store, object('a'));
    t.teardown(async () => {
      await server.administer('alter system reset default_transaction_read_only');
      await server.administer('select pg_reload_conf()');
    });
    await server.administer('alter system set default_transaction_read_only = on');
    await server.administer('select pg_reload_conf()');
    let inserted = 0;
    let refusal: unknown = 'committed';
    for (; refusal === 'committed'; inserted += 1)
      refusal = await store.commit(unit({ inserts: [object(`n-${inserted}`)] })).catch((error) => error);
    t.match(refusal, { name: 'StoreUnavailableError', message: /read-only/ });
    t.equal((await store.load('blue', ['a'])).length, 1);
    await t.rejects(store.commit(unit({ inserts: [object('later')] })), {
      name: 'StoreUnavailableError',
      message: / is read-only \(default_transaction_read_only\)/,
    });
    t.equal((await store.load('blue', ['a'])).length, 1);
    await server.administer('alter system reset default_transaction_read_only');
    await server.administer('select pg_reload_conf()');
    while ((await store.ping().catch((error) => error)) !== undefined) await new Promise(setImmediate);
    t.equal(await store.commit(unit({ inserts: [object('later')] })), 'committed');
  });
}

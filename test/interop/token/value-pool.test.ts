import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { runFor } from '../../../src/common/requester.ts';
import { TokenValuePool, type ValuePoolOptions } from '../../../src/token/values/value-pool.ts';
import { ValueTokenUnavailableError } from '../../../src/vault/value-errors.ts';
import { makeSecret, missing, SoftToken } from './soft-token.ts';

/** Several processes of a token wrap and unwrap at once. */

t.test('a pool of processes', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  const made = token.client(t);
  await made.open();
  const wrapped = await made.wrap(makeSecret());
  t.beforeEach(() => token.setFaults());
  const poolOf = (t: Test, options: Partial<ValuePoolOptions> = {}, uri = token.uri()) => {
    const pool = new TokenValuePool(uri, {
      processes: 3,
      client: {
        environment: token.environment,
        backOff: { baseMilliseconds: 1, maxMilliseconds: 20, failuresToOpen: 3 },
        ...{ pingMilliseconds: 0, callMilliseconds: 2_000 },
      },
      ...options,
    });
    t.teardown(() => pool.close());
    return pool;
  };
  const away = { constructor: ValueTokenUnavailableError };

  await t.test('wraps and unwraps by the key of the root, in so many processes', async (t) => {
    const pool = poolOf(t);
    t.same(pool.pids, [], 'none before the first call');
    await pool.open();
    t.equal(pool.id, made.id);
    const calls = Array.from({ length: 60 }, () => pool.unwrap(wrapped));
    for (const secret of await Promise.all(calls)) t.same(secret, makeSecret());
    t.equal(pool.pids.length, 3);
    t.same(await made.unwrap(await pool.wrap(makeSecret(40))), makeSecret(40));
    const altered = wrapped.with(9, (wrapped[9] ?? 0) ^ 1);
    t.equal(await pool.unwrap(altered), undefined);
  });

  await t.test('serves the clients by turns', async (t) => {
    const pool = poolOf(t, { processes: 1 });
    await pool.open();
    const ended: string[] = [];
    const call = (account: string) =>
      runFor({ account, isWaiting: () => true }, () => pool.unwrap(wrapped)).then(() => ended.push(account));
    const many = Array.from({ length: 100 }, () => call('many'));
    const one = call('one');
    await one;
    t.ok(ended.length < 10, `${ended.length} calls before the one of another client`);
    await Promise.all(many);
  });

  await t.test('refuses what waits for too long, or is too much, and goes on by itself', async (t) => {
    const failures = new Set<string>();
    const pool = poolOf(t, {
      ...{ processes: 1, waitMilliseconds: 200, maxWaiting: 2 },
      onFailure: (reason) => void failures.add(reason),
    });
    await pool.open();
    token.setFaults('C_UnwrapKey hang');
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 5);
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => pool.unwrap(wrapped)));
    clearInterval(timer);
    for (const result of results) t.match(result, { status: 'rejected', reason: away });
    t.match(
      results.map((result) => (result as PromiseRejectedResult).reason.cause.message),
      [
        /no answer came within 2 s/,
        /no process was free within 0.2 s/,
        /within 0.2 s/,
        /2 calls of one client/,
      ],
    );
    t.match([...failures], [/2 calls of one client/, /no process was free within 0.2 s/], 'the log has both');
    t.ok(turns > 10, 'the event loop has gone on');
    token.setFaults();
    for (;;) {
      const secret = await pool.unwrap(wrapped).catch((error) => t.match(error, away) && undefined);
      if (secret instanceof Uint8Array) break;
      await sleep(20);
    }
    t.equal(pool.health?.state, 'up');
  });

  await t.test('ends its processes when it is idle, and starts others', async (t) => {
    const pool = poolOf(t, { idleSeconds: 0 });
    t.same(await pool.unwrap(wrapped), makeSecret());
    while (pool.pids.length > 0) await sleep(5);
    t.same(await pool.unwrap(wrapped), makeSecret());
  });

  await t.test('uses no other key that has taken the name of the key', async (t) => {
    const other = token.uri(';object=other');
    const create = async () => {
      const client = token.client(t, {}, other);
      await client.open();
      await client.close();
    };
    await create();
    const pool = poolOf(t, { idleSeconds: 0 }, other);
    await pool.open();
    const { id } = pool;
    while (pool.pids.length > 0) await sleep(5);
    const named = ['--type', 'secrkey', '--label', 'other'];
    token.run('pkcs11-tool', ...token.pkcs11Arguments, '--delete-object', ...named);
    await create();
    const results = await Promise.allSettled([pool.wrap(makeSecret()), pool.unwrap(wrapped), pool.open()]);
    const cause = { message: /another key under that name than before/ };
    for (const result of results) t.match(result, { status: 'rejected', reason: { ...away, cause } });
    t.equal(pool.id, id);
  });

  await t.test('refuses calls once it is closed', async (t) => {
    const pool = poolOf(t);
    await pool.open();
    await pool.close();
    await t.rejects(pool.unwrap(wrapped), { ...away, message: /cannot be used now/ });
    t.same(pool.pids, []);
  });
});

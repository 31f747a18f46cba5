import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { VaultUnavailableError } from '../../../src/vault/vault.ts';
import { makeSecret, missing, SoftToken } from './soft-token.ts';

/** The process of the token crashes, hangs, leaks; the daemon's does not. */
t.test('the process of a token', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  const made = token.client(t);
  await made.open();
  await made.close();
  t.afterEach(() => token.setFaults());

  await t.test('is no part of the daemon and knows nothing of it', async (t) => {
    // Something of the daemon that must not be inherited.
    const descriptor = openSync(token.path('tokens'), 'r');
    t.teardown(() => closeSync(descriptor));
    const client = token.client(t);
    await client.open();
    const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
    t.notOk(
      sharedObjects.some((file) => /pkcs11|softhsm|faulty/.test(file)),
      'loads no library here',
    );
    const maps = readFileSync(`/proc/${client.pid}/maps`, 'latin1');
    for (const name of ['faulty.so', 'pkcs11.node', 'libsofthsm2.so']) t.match(maps, name, `${name} there`);
    const names = readFileSync(`/proc/${client.pid}/environ`, 'latin1')
      .split('\0')
      .filter((text) => text !== '');
    t.same(names.map((text) => text.split('=')[0]).sort(), ['KMIPD_TEST_FAULTS', 'SOFTHSM2_CONF']);
    t.notMatch(readFileSync(`/proc/${client.pid}/cmdline`, 'latin1'), /pin|kmipd;|pkcs11:/);
    t.match(readFileSync(`/proc/${client.pid}/coredump_filter`, 'latin1'), /^0+\n$/);
    t.equal(readlinkSync(`/proc/${client.pid}/cwd`), '/');
    const own = listDescriptors(process.pid);
    t.ok(own.includes(token.path('tokens')), 'the search sees what is open here');
    const there = listDescriptors(client.pid as number);
    t.equal(there.filter((target) => target.startsWith('socket:')).length, 2, 'two sockets');
    t.notOk(there.includes(token.path('tokens')), 'nothing that the daemon has opened');
  });

  await t.test('may be killed during a call, which is made once more', async (t) => {
    const client = token.client(t);
    await client.open();
    token.setFaults('C_WrapKey crash once');
    const wrapped = await client.wrap(makeSecret());
    t.same(await client.unwrap(wrapped), makeSecret());
    t.same(
      client.seen.map(({ state }) => state),
      ['up', 'down', 'up'],
    );
    t.match(client.seen[1]?.reason, /its process ended with SIGSEGV/);

    const { pid } = client;
    process.kill(pid as number, 'SIGKILL');
    t.same(await client.unwrap(wrapped), makeSecret());
    t.not(client.pid, pid);
  });

  await t.test('may stop during a call, which ends in time, and the next one works', async (t) => {
    const client = token.client(t, { callMilliseconds: 1_000 });
    await client.open();
    const { pid } = client;
    process.kill(pid as number, 'SIGSTOP');
    await t.rejects(client.wrap(makeSecret()), {
      constructor: VaultUnavailableError,
      message: /^the token kmipd cannot be used: no answer came within 1 s$/,
    });
    await client.waitFor('up', 2);
    t.ok(await client.wrap(makeSecret()));
    t.notOk(existsSync(`/proc/${pid}/fd`), 'it was killed');
  });

  await t.test('may hang in the library: calls behind it are served by the next process', async (t) => {
    const client = token.client(t, { callMilliseconds: 1_000 });
    await client.open();
    const wrapped = await client.wrap(makeSecret());
    token.setFaults('C_UnwrapKey hang');
    const hanging = client.unwrap(wrapped);
    await t.rejects(hanging, { message: /no answer came within/ });
    token.setFaults();
    await client.waitFor('up', 2);
    t.same(await client.unwrap(wrapped), makeSecret());
  });

  await t.test('is replaced when the library writes into its socket', async (t) => {
    const client = token.client(t);
    await client.open();
    const { pid } = client;
    token.setFaults('C_WrapKey scribble once');
    t.ok(await client.wrap(makeSecret()), 'made once more');
    t.match(client.seen[1], { state: 'down', reason: /has sent something that is no answer/ });
    t.not(client.pid, pid);
  });

  await t.test('outlives signals to its group, which the daemon must obey', async (t) => {
    const client = token.client(t);
    await client.open();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(client.pid as number, signal);
    t.ok(await client.wrap(makeSecret()));
    t.equal(client.seen.length, 1, 'it was up all the time');
  });

  await t.test('is replaced when it leaks', async (t) => {
    const client = token.client(t, { maxResidentBytes: 300 << 20 });
    await client.open();
    await client.ping();
    t.equal(client.health.state, 'up');
    token.setFaults('C_GetSessionInfo leak 400');
    const { pid } = client;
    await client.ping();
    t.match((await client.waitFor('down')).reason, /had \d+ MiB of memory and was replaced/);
    await client.waitFor('up', 2);
    t.not(client.pid, pid);
  });

  await t.test('lets calls fail at once while it cannot start, and comes back by itself', async (t) => {
    token.setFaults('C_WrapKey crash');
    const client = token.client(t, {
      backOff: { baseMilliseconds: 1, maxMilliseconds: 50, failuresToOpen: 2 },
    });
    await t.rejects(client.wrap(makeSecret()), { message: /its process ended with SIGSEGV/ });
    await t.rejects(client.wrap(makeSecret()), { message: /its process ended with SIGSEGV/ });
    t.equal(client.health.state, 'down');
    const from = client.seen.length;
    token.setFaults();
    await client.waitFor('up', from);
    t.ok(await client.wrap(makeSecret()));
  });

  await t.test('crashes 20 times, and logs in once for each start', async (t) => {
    const client = token.client(t);
    await client.open();
    const before = token.logins.length;
    for (let crash = 1; crash <= 20; crash++) {
      const from = client.seen.length;
      process.kill(client.pid as number, 'SIGKILL');
      await client.waitFor('up', from);
    }
    t.ok(await client.wrap(makeSecret()));
    t.same(token.logins.slice(before), new Array(20).fill('0x0'));
  });

  await t.test('refuses more calls than may wait', async (t) => {
    const client = token.client(t, { maxWaitingCalls: 2 });
    const calls = [1, 2, 3, 4].map((length) => client.wrap(makeSecret(length)));
    const results = await Promise.allSettled(calls);
    t.same(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'rejected'],
    );
    t.match(results[3], { reason: { message: /2 calls wait for it already/ } });
  });

  await t.test('ends with the daemon, even while the library hangs', async (t) => {
    token.setFaults('C_WrapKey hang');
    const daemon = spawn(
      process.execPath,
      [join(import.meta.dirname, 'abandoned-client.ts'), token.uriText()],
      {
        env: { ...process.env, ...token.environment },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const [line] = await once(daemon.stdout, 'data');
    const pid = Number(line);
    t.ok(existsSync(`/proc/${pid}`));
    daemon.kill('SIGKILL');
    await once(daemon, 'exit');
    while (isRunning(pid)) await new Promise(setImmediate);
    t.pass('it is gone');
  });

  await t.test('ends when the client is closed, and calls that wait fail', async (t) => {
    const client = token.client(t);
    await client.open();
    const { pid } = client;
    const calls = Promise.allSettled([client.wrap(makeSecret()), client.wrap(makeSecret())]);
    // The first one is on its way then.
    await new Promise(setImmediate);
    await client.close();
    const [first, second] = await calls;
    t.equal(first?.status, 'fulfilled');
    t.match(second, { status: 'rejected', reason: { message: /it was closed/ } });
    await t.rejects(client.wrap(makeSecret()), { message: /it was closed/ });
    await t.rejects(client.open());
    t.notOk(isRunning(pid as number));
  });
});

/** Whether the process runs; one that nobody has waited for does not. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

/** What the descriptors of a process refer to. */
function listDescriptors(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    try {
      return [readlinkSync(join(folder, name))];
    } catch {
      // That of the listing itself is closed.
      return [];
    }
  });
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { openDatabase } from '../../src/store/open.ts';
import { probeStore } from '../../src/store/probe.ts';
import { freePort, startPostgres } from '../store/embedded-postgres.ts';
import { add, object } from '../store/objects.ts';
import { openWritable } from '../store/start-lanes.ts';

/** PgBouncer between kmipd and PostgreSQL: session mode works, the others are explained. */

const program = '/usr/sbin/pgbouncer';

/** Starts PgBouncer before a database, and resolves with its URL once it listens. */
async function startBouncer(t: Test, database: string, settings: readonly string[]): Promise<string> {
  const { port, pathname, hostname } = new URL(database);
  const own = await freePort();
  const directory = t.testdir();
  const file = join(directory, 'pgbouncer.ini');
  writeFileSync(
    file,
    [
      '[databases]',
      `${pathname.slice(1)} = host=${hostname} port=${port} user=postgres password=postgres`,
      '[pgbouncer]',
      ...['listen_addr = 127.0.0.1', `listen_port = ${own}`, 'unix_socket_dir =', 'auth_type = any'],
      ...settings,
    ].join('\n'),
  );
  // It does not run as root.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  chmodSync(directory, 0o755);
  chmodSync(file, 0o644);
  const child: ChildProcess = spawn(program, [...user, file], { stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(async () => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const log: string[] = [];
  child.on('error', reject);
  child.on('exit', () => reject(new Error(`PgBouncer has ended: ${log.join('; ')}`)));
  if (child.stderr === null) throw new Error('no log');
  createInterface(child.stderr).on('line', (line) => {
    log.push(line);
    if (line.includes('process up')) resolve();
  });
  await promise;
  return `postgres://any@127.0.0.1:${own}${pathname}`;
}

const server = await startPostgres();
if (typeof server === 'string') {
  t.test('PostgreSQL', { skip: server }, async () => {});
} else {
  t.teardown(() => server.stop());

  const shared = [
    ['pool_mode = transaction'],
    ['pool_mode = transaction', 'server_round_robin = 1', 'min_pool_size = 3'],
    ['pool_mode = transaction', 'default_pool_size = 1'],
    ['pool_mode = statement'],
  ];
  for (const settings of shared)
    t.test(`${settings.join(', ')} is refused with what to do`, async (t) => {
      const url = await startBouncer(t, await server.fresh(), settings);
      const refusal = {
        name: 'StoreUnavailableError',
        message:
          /^postgres:\/\/127\.0\.0\.1:.* is a pooler that shares sessions .*: set pool_mode = session for this database/,
      };
      await t.rejects(openDatabase(url), refusal);
      await t.rejects(openDatabase(url), refusal, 'also when sessions of before are there');
      await t.rejects(probeStore(url), refusal);
    });

  t.test('pool_mode = session serves', async (t) => {
    const url = await startBouncer(t, await server.fresh(), ['pool_mode = session']);
    for (const id of ['a', 'b']) {
      const { store, close } = await openWritable(url);
      await add(store, object(id));
      t.equal((await store.load('blue', [id])).length, 1);
      await close();
    }
    t.strictSame(await probeStore(url), { keyring: undefined, isMigrated: true });
  });
}

import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { createAuthority } from '../../../certs/issue.ts';
import { generateKey } from '../../../certs/keys.ts';
import type { ManagementBackends } from '../../../src/management/api.ts';
import { connectManagement } from '../../../src/management/client.ts';
import { ManagementError } from '../../../src/management/errors.ts';
import { maxRequestBytes } from '../../../src/management/lines.ts';
import { ManagementServer, type ManagementServerOptions } from '../../../src/management/server.ts';

t.setTimeout(120_000);

const certificate = await createAuthority('client', await generateKey('ec'));
const client = (name: string) => ({
  ...{ name, group: 'blue', role: 'full', fingerprint: 'a1'.repeat(32), disabled: false },
  ...{ enrolledAt: 1_700_000_000, certificate, hasCredentials: false },
});

type Clients = Partial<ManagementBackends['clients']>;

/** Starts a server over a directory of clients; other backends are not asked. */
async function serve(t: Tap, clients: Clients, options: Partial<ManagementServerOptions> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-socket-'));
  const path = join(directory, 's');
  const failures: unknown[] = [];
  const server = new ManagementServer({
    path,
    backends: { clients, approval: { methods: [], seconds: 1 } } as unknown as ManagementBackends,
    description: { process: 1, store: 'this one' },
    ready: async () => {},
    describeError: (error) =>
      error instanceof ManagementError ? { code: error.code, message: error.message } : undefined,
    changed: async () => undefined,
    failed: (_, error) => failures.push(error),
    observe: async () => {},
    ...options,
  });
  await server.listen();
  t.teardown(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });
  return { directory, path, server, failures };
}
type Tap = Pick<typeof t, 'teardown'>;

/** Sends lines, each once the one before was answered, and resolves to the answers until the end. */
async function exchange(path: string, ...lines: readonly string[]): Promise<unknown[]> {
  const socket = connect(path);
  const answers: unknown[] = [];
  socket.write(`${lines[0]}\n`);
  for await (const answer of createInterface(socket)) {
    answers.push(JSON.parse(answer));
    const next = lines[answers.length];
    if (next === undefined) break;
    socket.write(`${next}\n`);
  }
  socket.destroy();
  return answers;
}

const listRequest = JSON.stringify({ id: 7, method: 'client.list', params: {} });
const error = (code: string, message: RegExp) => ({ error: { code, message } });

t.test('requests are answered, wrong ones by an error, and the connection goes on', async (t) => {
  const { path, failures } = await serve(t, {
    list: async () => [client('one')],
    byName: async (name) => {
      if (name === 'bug') throw new Error('secret detail');
      return undefined;
    },
  });
  const call = (method: string, params: unknown) => JSON.stringify({ id: 8, method, params });
  const answers = await exchange(
    path,
    call('service.describe', {}),
    listRequest,
    call('client.none', {}),
    call('client.show', { name: 'demo', more: 1 }),
    call('client.show', { name: 'none' }),
    call('client.show', { name: 'bug' }),
    listRequest,
    'no JSON',
  );
  t.match(answers, [
    { id: 8, result: { process: 1, store: 'this one' } },
    { id: 7, result: [{ name: 'one', group: 'blue', fingerprint: 'a1'.repeat(32) }] },
    { id: 8, ...error('REQUEST', /^request\.method must be one of client\.list, /) },
    { id: 8, ...error('REQUEST', /has a field that is not known$/) },
    { id: 8, ...error('MANAGEMENT', /^no client "none" is enrolled/) },
    { id: 8, ...error('INTERNAL', /^the running kmipd failed/) },
    { id: 7, result: [{}] },
    { id: null, ...error('REQUEST', /^the request is not JSON$/) },
  ]);
  t.equal(answers.length, 8);
  t.match(failures, [{ message: 'secret detail' }], 'bugs are reported to the log alone');
});

t.test('the socket is for its owner from the first moment', async (t) => {
  const before = process.umask(0);
  const { directory, path } = await serve(t, {});
  t.equal(process.umask(before), 0, 'the mask of the process is as before');
  t.equal(statSync(path).mode & 0o777, 0o600);
  if (process.getuid?.() !== 0) return;
  chmodSync(directory, 0o755);
  process.seteuid?.(65_534);
  try {
    const [refused] = await once(connect(path), 'error');
    t.equal(refused.code, 'EACCES', 'another user');
    t.equal(await connectManagement(path), undefined);
  } finally {
    process.seteuid?.(0);
  }
});

t.test('a line that is too long, or not UTF-8, ends the connection', async (t) => {
  const { path } = await serve(t, {});
  t.match(await exchange(path, ' '.repeat(maxRequestBytes + 1)), [
    error('REQUEST', /more than 262144 bytes/),
  ]);
  const socket = connect(path);
  socket.write(Buffer.from([0xff, 0x0a]));
  t.match(await text(socket), 'a line is not UTF-8');
});

const ended = (socket: Socket) =>
  once(
    socket.resume().on('error', () => {}),
    'close',
  );

t.test('connections are bounded in number and time', async (t) => {
  // Without the bound of the answer, the server would not close in the time of the test.
  const times = { request: 1_000, answer: 200, close: 1_000_000 };
  const listed = Promise.withResolvers<void>();
  const many = Array.from({ length: 3_000 }, (_, at) => client(`client${at}`));
  const list = async () => {
    listed.resolve();
    return many;
  };
  const { path, server } = await serve(t, { list }, { times });
  const open = Array.from({ length: 16 }, () => connect(path));
  await Promise.all(open.map((socket) => once(socket, 'connect')));
  await ended(connect(path));
  t.equal(await connectManagement(path), undefined, 'the seventeenth connection is closed');
  await Promise.all(open.map(ended));
  t.pass('those that ask for nothing are ended');

  const slow = connect(path).pause();
  slow.write(`${listRequest}\n`);
  await listed.promise;
  await server.close();
  t.pass('one that does not read its answer is ended, and holds nothing up');
  slow.destroy();
});

t.test('requests at work are bounded although their peers have gone', async (t) => {
  const go = Promise.withResolvers<void>();
  let [atWork, max] = [0, 0];
  const work = async () => {
    max = Math.max(max, ++atWork);
    await go.promise;
    atWork--;
    return [];
  };
  const { path, server } = await serve(t, { list: work });
  for (let sent = 0; sent < 100; sent++) {
    const socket = connect(path).on('error', () => {});
    socket.write(`${listRequest}\n`, () => setTimeout(() => socket.destroy(), 5));
    await new Promise((resolve) => socket.once('close', resolve));
  }
  t.equal(max, 16);
  t.equal(await connectManagement(path), undefined, 'another one is closed');
  const closed = server.close();
  go.resolve();
  await closed;
  t.equal(atWork, 0, 'the server waits for them');
});

t.test('a sealed vault refuses every method', async (t) => {
  const ready = async () => {
    throw new ManagementError('the vault is sealed: no key');
  };
  const { path } = await serve(t, {}, { ready });
  t.match(await exchange(path, listRequest), [error('MANAGEMENT', /^the vault is sealed: no key$/)]);
  t.ok(await connectManagement(path), 'the daemon still says who it is');
});

t.test('changes are answered once they are in force, reads at once', async (t) => {
  let changes = 0;
  const { path } = await serve(
    t,
    { list: async () => [], byName: async () => client('demo'), setDisabled: async () => true },
    { changed: async () => (++changes > 1 ? 'not in force' : undefined) },
  );
  const connection = await connectManagement(path);
  t.strictSame(await connection?.call('client.list', {}), []);
  t.equal(changes, 0);
  t.strictSame(await connection?.call('client.setDisabled', { name: 'demo', disabled: true }), {
    isChanged: true,
  });
  t.equal(changes, 1);
  t.strictSame(connection?.warnings, []);
  await connection?.call('client.setDisabled', { name: 'demo', disabled: true });
  t.strictSame(connection?.warnings, ['not in force']);
  await t.rejects(async () => {
    await connection?.call('client.show', { name: 'x'.repeat(300_000) });
  }, /262144 bytes/);
  connection?.close();
});

t.test('a connection that was silent for long is made anew, to the same database', async (t) => {
  const list = async () => [];
  const { path, server } = await serve(t, { list });
  const [patient, hasty] = [await connectManagement(path, 0), await connectManagement(path)];
  t.teardown(() => {
    for (const each of [patient, hasty]) each?.close();
  });
  await server.close();
  const next = await serve(t, { list }, { path });
  t.strictSame(await patient?.call('client.list', {}), [], 'with a daemon that was started anew');
  await t.rejects(async () => hasty?.call('client.list', {}), /did not answer to the end/);
  await next.server.close();
  await serve(t, { list }, { path, description: { process: 1, store: 'another' } });
  await t.rejects(async () => patient?.call('client.list', {}), /did not answer to the end/);
});

t.test('the server ends the request at work, then removes the socket', async (t) => {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const { path, server } = await serve(t, {
    list: async () => {
      begun.resolve();
      await go.promise;
      return [];
    },
  });
  const answered = exchange(path, listRequest);
  await begun.promise;
  const closed = server.close();
  go.resolve();
  t.match(await answered, [{ id: 7, result: [] }]);
  await closed;
  t.notOk(existsSync(path));
});

t.test('a daemon that was lost, or never answers, is none', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-socket-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 's');
  t.equal(await connectManagement(path), undefined, 'no socket');
  const silent = createServer().listen(path);
  await once(silent, 'listening');
  const began = performance.now();
  t.equal(await connectManagement(path), undefined, 'a silent one');
  t.ok(performance.now() - began < 30_000);
  silent.close();
  t.equal(await connectManagement(join(directory, 'x'.repeat(110))), undefined, 'a long path');

  const { server } = await serve(t, {}, { path: join(directory, 'other') });
  await server.close();
  const options = { path: join(directory, 'x'.repeat(110)) };
  await t.rejects(serve(t, {}, options), /too long for a socket/);
  writeFileSync(join(directory, 'file'), '');
  await t.rejects(serve(t, {}, { path: join(directory, 'file') }), { code: 'EADDRINUSE' });
  t.ok(existsSync(join(directory, 'file')), 'what is no socket stays');
});

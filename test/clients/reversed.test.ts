import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { Framer } from '../../codec/framer.ts';
import { Answering, type AnsweringOptions } from '../answering.ts';
import {
  type Client,
  connect,
  encode,
  enumerated,
  readIdentity,
  requestMessage,
  valueOf,
} from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { mainFile } from '../fixture/kmipd.ts';
import { HttpsClient } from '../https-client.ts';
import { answersOf, createAesPayload1x } from '../protocol/service.ts';

/** A 2.x client that exchanges the roles with the daemon as users run it, beside another one that works. */

const exchangeOfRoles = requestMessage('2.1', [
  { operation: 'SetEndpointRole', payload: [enumerated('EndpointRole', 2)] },
]);

async function cli(daemon: Daemon, ...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    mainFile,
    'client',
    ...words,
    '--home',
    daemon.home,
  ]);
  return stdout;
}

async function reverse(t: Test, daemon: Daemon, options: AnsweringOptions = {}) {
  const identity = await readIdentity(join(daemon.home, 'clients', 'watcher'));
  const socket = connectTls({ host: '127.0.0.1', port: daemon.port, ...identity });
  socket.on('error', () => {});
  t.teardown(() => socket.destroy());
  await once(socket, 'secureConnect');
  socket.write(encode(exchangeOfRoles));
  await once(socket, 'data');
  const answering = new Answering(options);
  const framer = new Framer('RequestMessage', 16_777_216);
  socket.on('data', (chunk: Buffer) => {
    for (const message of framer.push(chunk)) {
      const answer = answering.answer(message);
      if (answer !== undefined) socket.write(answer);
    }
  });
  return { socket, answering };
}

async function create(client: Client): Promise<string> {
  const answer = await client.request('1.4', [{ operation: 'Create', payload: createAesPayload1x() }]);
  return valueOf(answer, 'BatchItem', 'ResponsePayload', 'UniqueIdentifier') as string;
}

const closed = (socket: TLSSocket) => (socket.closed ? Promise.resolve() : once(socket, 'close'));

t.test('the daemon and a client that exchanges the roles', { timeout: 60_000 }, async (t) => {
  const daemon = await Daemon.start({ args: ['--https', '127.0.0.1:0'] });
  t.teardown(() => daemon.stop());
  await cli(daemon, 'add', 'watcher');
  const worker = await connect({ port: daemon.port, home: daemon.home });
  t.teardown(() => worker.close());

  await t.test('the client is notified of changes by another connection', async (t) => {
    const { answering, socket } = await reverse(t, daemon);
    await answering.seen('Query');
    const id = await create(worker);
    const { payload, version } = await answering.seen('Notify');
    t.equal(version, '2.1');
    t.equal(valueOf(payload, 'UniqueIdentifier'), id);
    t.notOk(
      answering.asked.some(({ operation }) => operation === 'Put'),
      'and gets no key',
    );
    socket.end();
    await closed(socket);
  });

  await t.test('the client receives keys when the operator allows it', async (t) => {
    t.match(await cli(daemon, 'notify', 'watcher', '--put'), /it is sent new keys/);
    const { answering } = await reverse(t, daemon, { versions: ['1.2', '1.0'] });
    await answering.seen('Query');
    const id = await create(worker);
    const { payload, version } = await answering.seen('Put');
    t.equal(version, '1.2', 'in the version that both speak');
    t.equal(valueOf(payload, 'UniqueIdentifier'), id);
    await cli(daemon, 'notify', 'watcher', '--off');
  });

  await t.test('gets its role back', async (t) => {
    const react = ({ operation }: { operation: string }) =>
      operation === 'Notify' ? { refuse: 'OperationNotSupported' } : ('usual' as const);
    const { answering, socket } = await reverse(t, daemon, {
      react,
      operations: ['Notify', 'SetEndpointRole'],
    });
    await answering.seen('Query');
    await create(worker);
    await answering.seen('SetEndpointRole');
    socket.removeAllListeners('data');
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.write(encode(requestMessage('2.1', [{ operation: 'Ping' }])));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    t.equal(answer.toString('hex', 0, 4), '42007b01', 'and is answered again');
  });

  await t.test('is cut off when it is disabled, and when the daemon drains', async (t) => {
    const { answering, socket } = await reverse(t, daemon);
    await answering.seen('Query');
    await cli(daemon, 'disable', 'watcher');
    await closed(socket);
    await cli(daemon, 'enable', 'watcher');
    const second = await reverse(t, daemon);
    await second.answering.seen('Query');
    await Promise.all([closed(second.socket), daemon.stop()]);
    t.match(daemon.output, /client accepts requests of the server/);
    t.notMatch(daemon.output, /unexpectedly|bug/);
  });
});

t.test('not over HTTPS', async (t) => {
  const daemon = await Daemon.start({ args: ['--https', '127.0.0.1:0'] });
  t.teardown(() => daemon.stop());
  const identity = await readIdentity(join(daemon.home, 'clients', 'demo'));
  const client = new HttpsClient({ port: daemon.httpsPort, ...identity });
  t.teardown(() => client.close());
  const [answer] = answersOf(await client.exchange(exchangeOfRoles, 'ttlv'));
  t.equal(answer?.reason, 'FeatureNotSupported');
});

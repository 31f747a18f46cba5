import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { issueClient } from '../../certs/issue.ts';
import { defaultLimits, type Limits } from '../../src/common/limits.ts';
import { fingerprintOf } from '../../src/identity/certificate.ts';
import { OutgoingConnections } from '../../src/net/outgoing.ts';
import type { EndpointTarget } from '../../src/protocol/endpoints/endpoint-settings.ts';
import type { OpenReverseChannel } from '../../src/protocol/endpoints/endpoints.ts';
import { ChannelClosedError } from '../../src/protocol/endpoints/reverse-channel.ts';
import { Arrivals } from './arrivals.ts';
import { authority, demo, identity, material, other, stranger } from './certificates-fixture.ts';
import { frame } from './listener-fixture.ts';

/**
 * Connections that the server opens to clients, which listen with the certificates they are enrolled with.
 */

interface ListeningClient {
  readonly target: EndpointTarget;
  readonly outgoing: OutgoingConnections;
  /** Channels on which the server has begun to send requests. */
  readonly channels: Arrivals<OpenReverseChannel>;
  /** The client's side of the connections, after the handshake. */
  readonly sockets: Arrivals<TLSSocket>;
  /** The client's side of the connections, before TLS. */
  readonly connections: Arrivals<Socket>;
  readonly unreachable: Arrivals<{ reason: string; milliseconds: number }>;
}

interface Setting {
  /** Certificate and key that the client presents. */
  readonly as?: typeof demo;
  readonly limits?: Partial<Limits>;
  /** Handles a connection on the client's side. */
  readonly handle?: (socket: TLSSocket) => void;
  readonly port?: number;
}

async function listen(t: Test, setting: Setting = {}): Promise<ListeningClient> {
  const sockets = new Arrivals<TLSSocket>();
  const connections = new Arrivals<Socket>();
  const { cert, key } = setting.as ?? demo;
  const server = createServer({
    ...{ cert, key, ca: authority.certificate },
    requestCert: true,
    rejectUnauthorized: true,
  } as Parameters<typeof createServer>[0]);
  server.on('connection', (socket) => connections.add(socket));
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {});
    socket.resume();
    setting.handle?.(socket);
    sockets.add(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const enrolled = new Map(
    [demo, other].map((each, at) => [
      fingerprintOf(new X509Certificate(each.cert as string)),
      at === 0 ? 'demo' : 'other',
    ]),
  );
  const channels = new Arrivals<OpenReverseChannel>();
  const unreachable: ListeningClient['unreachable'] = new Arrivals();
  const outgoing = new OutgoingConnections({
    material: () => material,
    profile: 'intermediate',
    limits: { ...defaultLimits, ...setting.limits },
    endpoints: {
      async serve(open) {
        channels.add(open);
        await open.channel.closed.catch(() => {});
      },
    },
    observer: {
      unreachable: (event) => unreachable.add(event),
      failed: ({ error }) => t.error(error as Error),
    },
    async authenticate(certificate) {
      const fingerprint = fingerprintOf(certificate);
      const client = enrolled.get(fingerprint);
      if (client === undefined) return { refused: 'certificate not enrolled', fingerprint };
      return { principal: { client, group: 'test', fingerprint, secondFactor: false, may: () => true } };
    },
    firstRetryMilliseconds: 20,
  });
  t.teardown(() => {
    outgoing.close();
    for (const socket of sockets.items) socket.destroy();
    server.close();
  });
  const target: EndpointTarget = {
    ...{ client: 'demo', group: 'test', role: 'full', fingerprint: 'f' },
    ...{ host: '127.0.0.1', port: setting.port ?? port, version: '1.4' },
  };
  outgoing.update([target]);
  return { target, outgoing, channels, sockets, connections, unreachable };
}

/** Resolves when a socket is closed, now or earlier. */
async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket, 'close');
}

t.test('the server connects, authenticates the client and sends requests', async (t) => {
  const { channels, sockets } = await listen(t);
  const open = await channels.nth(1);
  t.match(open, { version: '1.4', newest: '1.4' });
  t.match(open.conversation(), { principal: { client: 'demo' }, connection: 'out1' });
  const socket = await sockets.nth(1);
  t.equal(socket.authorized, true);
  socket.on('data', (chunk: Buffer) => {
    t.equal(chunk.toString('hex', 0, 4), '42007801');
    socket.write(frame(64, 1, 'response'));
  });
  const request = frame(32, 7);
  t.equal((await open.channel.exchange(request)).length, 64);
  t.ok(
    request.every((byte) => byte === 0),
    'the request is wiped',
  );
  t.equal(open.channel.releaseRole(), false, 'these roles cannot be exchanged');
});

t.test('the server sends nothing when the peer is not the client of the target', async (t) => {
  const cases = [
    ['another client', other, 'certificate of another client'],
    [
      'a client that is not enrolled',
      identity(await issueClient(authority, 'third')),
      'certificate not enrolled',
    ],
    ['a stranger', identity(await issueClient(stranger, 'demo')), 'unknown issuer of the certificate'],
  ] as const;
  for (const [who, as, reason] of cases) {
    const { channels, unreachable, connections } = await listen(t, { as });
    t.match(await unreachable.nth(1), { reason }, who);
    t.equal(channels.items.length, 0);
    await closed(await connections.nth(1));
  }
});

t.test('the interval between attempts doubles when a client cannot be reached', async (t) => {
  const { unreachable } = await listen(t, { port: 1 });
  await unreachable.nth(4);
  t.equal(unreachable.items[0]?.reason, 'ECONNREFUSED');
  const intervals = unreachable.items.slice(0, 4).map(({ milliseconds }) => milliseconds);
  t.ok(
    intervals.every((interval, at) => interval >= 20 * 2 ** at && interval <= 25 * 2 ** at),
    intervals.join(' '),
  );
});

t.test('a connection is opened again when it ends', async (t) => {
  const { channels, sockets, unreachable } = await listen(t);
  const answer = (await channels.nth(1)).channel.exchange(frame(16));
  (await sockets.nth(1)).end();
  await t.rejects(answer, ChannelClosedError);
  const again = await channels.nth(2);
  t.equal(unreachable.items[0]?.reason, 'connection closed');
  t.equal(again.conversation().connection, 'out2');
});

t.test('a connection ends when the client sends no response or garbage', async (t) => {
  const soon = { answerMilliseconds: 200 };
  for (const [response, limits, reason] of [
    [undefined, soon, 'no response in time'],
    [Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), {}, /^response is not TTLV/],
    [frame(64, 0, 'response').subarray(0, 30), soon, 'no response in time'],
  ] as const) {
    const handle = (socket: TLSSocket) => socket.on('data', () => response && socket.write(response));
    const { channels, unreachable } = await listen(t, { handle, limits });
    await t.rejects((await channels.nth(1)).channel.exchange(frame(16)), ChannelClosedError);
    t.match(await unreachable.nth(1), { reason });
  }
});

t.test('an attempt ends at its deadline when the peer sends nothing in the handshake', async (t) => {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { unreachable } = await listen(t, { port, limits: { handshakeMilliseconds: 100 } });
  t.equal((await unreachable.nth(1)).reason, 'handshake timeout');
});

t.test('connections follow the targets when these come, change and go', async (t) => {
  const { target, outgoing, channels, sockets, connections, unreachable } = await listen(t);
  const first = await channels.nth(1);
  const socket = await sockets.nth(1);
  outgoing.update([{ ...target }]);
  socket.once('data', () => socket.write(frame(64, 1, 'response')));
  t.equal((await first.channel.exchange(frame(16))).length, 64);
  t.equal(channels.items.length, 1, 'an equal target keeps its connection');
  outgoing.update([{ ...target, role: 'read-only' }]);
  await channels.nth(2);
  await sockets.nth(2);
  await closed(socket);
  t.pass('a changed target gets a new connection');
  outgoing.update([]);
  await closed(await connections.nth(2));
  // A retry of the removed target would begin before the retry of this one, which begins later.
  outgoing.update([{ ...target, role: 'auditor' }]);
  await channels.nth(3);
  (await sockets.nth(3)).end();
  const last = await channels.nth(4);
  t.equal(last.conversation().connection, 'out4', 'a removed target is not connected again');
  t.equal(unreachable.items.length, 1);
});

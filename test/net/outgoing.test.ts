import { X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { issueClient } from '../../certs/issue.ts';
import { defaultLimits, type Limits } from '../../src/common/limits.ts';
import { fingerprintOf } from '../../src/identity/certificate.ts';
import { OutgoingConnections } from '../../src/net/outgoing.ts';
import type { EndpointTarget } from '../../src/protocol/endpoints/endpoint-settings.ts';
import type { OpenReverseChannel } from '../../src/protocol/endpoints/endpoints.ts';
import { ChannelClosedError } from '../../src/protocol/endpoints/reverse-channel.ts';
import {
  authority,
  demo,
  frame,
  identity,
  material,
  other,
  sleep,
  stranger,
  until,
} from './listener-fixture.ts';

/** Connections that the server opens, to clients that wait for it with the certificates they are enrolled with. */

interface Waiting {
  readonly target: EndpointTarget;
  readonly outgoing: OutgoingConnections;
  /** Lines on which the server has begun to ask. */
  readonly lines: OpenReverseChannel[];
  /** Sockets as the client has them. */
  readonly sockets: TLSSocket[];
  readonly unreachable: { reason: string; milliseconds: number }[];
  readonly enrolled: Map<string, string>;
}

interface Setting {
  /** What the client presents. */
  readonly as?: typeof demo;
  readonly limits?: Partial<Limits>;
  /** What becomes of a connection on the client's side. */
  readonly meet?: (socket: TLSSocket) => void;
  readonly port?: number;
}

async function wait(t: Test, setting: Setting = {}): Promise<Waiting> {
  const sockets: TLSSocket[] = [];
  const { cert, key } = setting.as ?? demo;
  const server = createServer({
    ...{ cert, key, ca: authority.certificate },
    requestCert: true,
    rejectUnauthorized: true,
  } as Parameters<typeof createServer>[0]);
  server.on('secureConnection', (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.resume();
    setting.meet?.(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const enrolled = new Map(
    [demo, other].map((each, at) => [
      fingerprintOf(new X509Certificate(each.cert as string)),
      at === 0 ? 'demo' : 'other',
    ]),
  );
  const lines: OpenReverseChannel[] = [];
  const unreachable: Waiting['unreachable'] = [];
  const outgoing = new OutgoingConnections({
    material: () => material,
    profile: 'intermediate',
    limits: { ...defaultLimits, ...setting.limits },
    endpoints: {
      async serve(open) {
        lines.push(open);
        await open.channel.closed.catch(() => {});
      },
    },
    observer: {
      unreachable: (event) => unreachable.push(event),
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
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const target: EndpointTarget = {
    ...{ client: 'demo', group: 'test', role: 'full', fingerprint: 'f' },
    ...{ host: '127.0.0.1', port: setting.port ?? port, version: '1.4' },
  };
  outgoing.update([target]);
  return { target, outgoing, lines, sockets, unreachable, enrolled };
}

t.test('the server connects, is known by its certificate, and asks', async (t) => {
  const { lines, sockets } = await wait(t);
  await until(() => lines.length === 1);
  const [open] = lines as [OpenReverseChannel];
  t.match(open, { version: '1.4', newest: '1.4' });
  t.match(open.conversation(), { principal: { client: 'demo' }, connection: 'out1' });
  const [socket] = sockets as [TLSSocket];
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

t.test('who is not the client is not spoken to', async (t) => {
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
    const { lines, unreachable, sockets } = await wait(t, { as });
    await until(() => unreachable.length > 0);
    t.match(unreachable[0], { reason }, who);
    t.equal(lines.length, 0);
    await until(() => sockets.every((socket) => socket.destroyed));
  }
});

t.test('attempts follow each other ever more slowly', async (t) => {
  const { unreachable } = await wait(t, { port: 1 });
  await until(() => unreachable.length >= 4);
  t.equal(unreachable[0]?.reason, 'ECONNREFUSED');
  const pauses = unreachable.slice(0, 4).map(({ milliseconds }) => milliseconds);
  t.ok(
    pauses.every((pause, at) => pause >= 20 * 2 ** at && pause <= 25 * 2 ** at),
    pauses.join(' '),
  );
});

t.test('a connection that ends is opened again', async (t) => {
  const { lines, sockets, unreachable } = await wait(t);
  await until(() => lines.length === 1);
  const answer = (lines[0] as OpenReverseChannel).channel.exchange(frame(16));
  sockets[0]?.end();
  await t.rejects(answer, ChannelClosedError);
  await until(() => lines.length === 2);
  t.equal(unreachable[0]?.reason, 'connection closed');
  t.equal(lines[1]?.conversation().connection, 'out2');
});

t.test('a client that does not answer, or with garbage', async (t) => {
  for (const [said, reason] of [
    [undefined, 'no response in time'],
    [Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), /^response is not TTLV/],
    [frame(64, 0, 'response').subarray(0, 30), 'no response in time'],
  ] as const) {
    const meet = (socket: TLSSocket) => socket.on('data', () => said && socket.write(said));
    const { lines, unreachable } = await wait(t, { meet, limits: { answerMilliseconds: 200 } });
    await until(() => lines.length === 1);
    await t.rejects((lines[0] as OpenReverseChannel).channel.exchange(frame(16)), ChannelClosedError);
    await until(() => unreachable.length > 0);
    t.match(unreachable[0], { reason });
  }
});

t.test('a client that says nothing in the handshake', async (t) => {
  const { createServer: plain } = await import('node:net');
  const server = plain().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { unreachable } = await wait(t, { port, limits: { handshakeMilliseconds: 100 } });
  await until(() => unreachable.length > 0);
  t.equal(unreachable[0]?.reason, 'handshake timeout');
});

t.test('targets come, change and go', async (t) => {
  const { target, outgoing, lines, sockets } = await wait(t);
  await until(() => lines.length === 1);
  outgoing.update([{ ...target }]);
  await sleep(50);
  t.equal(lines.length, 1, 'the same one stays as it is');
  outgoing.update([{ ...target, role: 'read-only' }]);
  await until(() => lines.length === 2);
  await until(() => sockets[0]?.destroyed === true);
  t.pass('one that has changed begins anew');
  outgoing.update([]);
  await until(() => sockets[1]?.destroyed === true);
  await sleep(100);
  t.equal(lines.length, 2, 'one that is gone is not called again');
});

import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import t from 'tap';
import type { Conversation, MessageService } from '../../src/protocol/service.ts';
import { until } from './arrivals.ts';
import { demo } from './certificates-fixture.ts';
import { echo, frame, holdAnswers, openListener } from './listener-fixture.ts';
import { connectPeer } from './peer-fixture.ts';

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const client = { ...demo, minVersion: version, maxVersion: version };

  t.test(`${version}: the server answers messages in order when they arrive in any pieces`, async (t) => {
    const listener = await openListener();
    t.teardown(() => listener.close());
    const numbered = Array.from({ length: 20 }, (_, n) => frame(16 + 8 * n, n));
    const same = (answers: readonly Buffer[]) => answers.map((answer) => [answer.length, answer[12]]);
    const expected = numbered.map((message, n) => [message.length, n]);

    const together = await connectPeer(listener.port, client);
    together.socket.write(Buffer.concat(numbered));
    t.same(same(await together.answers(20)), expected, 'all in one chunk');

    const bytes = await connectPeer(listener.port, client);
    for (const byte of Buffer.concat(numbered.slice(0, 4))) bytes.socket.write(Buffer.of(byte));
    t.same(same(await bytes.answers(4)), expected.slice(0, 4), 'byte by byte');

    const large = await connectPeer(listener.port, client);
    large.socket.write(frame(1_048_576, 3));
    t.same(same(await large.answers(1)), [[1_048_576, 3]], 'one of the largest');
    for (const { socket } of [together, bytes, large]) socket.end();
  });

  t.test(
    `${version}: the server answers a client that has closed its side, and sends close_notify`,
    async (t) => {
      const { service, begun, release } = holdAnswers();
      const conversations: Conversation[] = [];
      const observed: MessageService = {
        ...service,
        respond(request, conversation) {
          conversations.push(conversation);
          return service.respond(request, conversation);
        },
      };
      const listener = await openListener({ service: observed });
      t.teardown(() => listener.close());
      const peer = await connectPeer(listener.port, { ...client, allowHalfOpen: true } as object);
      const ended = new Promise((resolve) => peer.socket.once('end', resolve));
      peer.socket.end(frame(64, 9));
      const socket = await listener.socketOf(peer);
      if (!socket.readableEnded) await once(socket, 'end');
      await begun.nth(1);
      const [conversation] = conversations;
      t.same([conversation?.isOpen?.(), conversation?.hasClientEnded?.()], [true, true]);
      release();
      t.equal((await peer.answers(1))[0]?.[12], 9);
      await ended;
      peer.socket.destroy();
      await listener.event('connectionClosed');
      t.equal(listener.events.filter(({ kind }) => kind === 'connectionEnded').length, 0);
    },
  );
}

t.test('the server processes one message at a time and stops reading when a client sends many', async (t) => {
  const { service, begun, release } = holdAnswers();
  const listener = await openListener({ service });
  t.teardown(() => listener.close());
  const peer = await connectPeer(listener.port);
  const piece = frame(65_536);
  let taken = 0;
  for (let n = 0; n < 500; n++) peer.socket.write(piece, () => taken++);
  const socket = await listener.socketOf(peer);
  if (!socket.isPaused()) await once(socket, 'pause');
  t.equal(begun.items.length, 1);
  const others = await connectPeer(listener.port);
  others.socket.write(frame(64));
  await begun.nth(2);
  t.ok(taken < 400, `back-pressure reaches the client: ${taken} of 500 pieces taken`);
  release();
  release();
  t.equal((await others.answers(1)).length, 1, 'others are served meanwhile');
  peer.socket.destroy();
  others.socket.end();
  release();
});

t.test('the server sends one last response when the bytes are not a message', async (t) => {
  const listener = await openListener({ limits: { requestBytes: 4_096 } });
  t.teardown(() => listener.close());
  const tooLong = frame(4_104);
  const wrongTag = Buffer.from('4200770100000008', 'hex');
  const wrongType = Buffer.from('4200780200000008', 'hex');
  for (const [name, bytes] of [
    ['one byte too long: answered at its header, before its body', tooLong.subarray(0, 8)],
    ['4 GiB', Buffer.from('42007801ffffffff', 'hex')],
    ['another tag', wrongTag],
    ['another type', wrongType],
    ['HTTP inside TLS', Buffer.from('POST /kmip HTTP/1.1\r\n\r\n')],
    ['an odd length', Buffer.from('4200780100000009', 'hex')],
  ] as const) {
    const peer = await connectPeer(listener.port);
    peer.socket.write(frame(64, 5));
    await peer.answers(1);
    peer.socket.write(bytes);
    const received = await peer.closed;
    t.same([received.length, received[64 + 8]], [128, 0xee], name);
    t.equal(peer.error(), undefined, 'ended, not reset');
  }
  const flooding = await connectPeer(listener.port);
  flooding.socket.write(Buffer.concat([frame(64, 5), wrongTag, frame(64, 6), Buffer.alloc(500_000)]));
  t.same((await flooding.closed).length, 128, 'the bytes that follow are ignored');
});

t.test('the server closes a connection after a response when the service asks for it', async (t) => {
  const listener = await openListener({
    service: { ...echo, respond: async () => ({ response: frame(64, 1, 'response'), close: true }) },
  });
  t.teardown(() => listener.close());
  const peer = await connectPeer(listener.port);
  peer.socket.write(Buffer.concat([frame(64), frame(64)]));
  t.equal((await peer.closed).length, 64);
});

t.test('the server ends only the connection when the service throws', async (t) => {
  const broken: MessageService = {
    respond: () => Promise.reject(new Error('a bug')),
    refuseFraming() {
      throw new Error('another bug');
    },
  };
  const listener = await openListener({ service: broken });
  t.teardown(() => listener.close());
  for (const [bytes, message] of [
    [frame(64), 'a bug'],
    [Buffer.alloc(64), 'another bug'],
  ] as const) {
    const peer = await connectPeer(listener.port);
    peer.socket.write(bytes);
    t.equal((await peer.closed).length, 0);
    const ended = await listener.event('connectionEnded', ({ error }) => error?.message === message);
    t.match(ended, { reason: 'internal error', client: 'demo' });
  }
});

t.test('responses are wiped when they are sent or cannot be sent', async (t) => {
  const written: Buffer[] = [];
  const { service, begun, release } = holdAnswers();
  const listener = await openListener({
    service: {
      ...service,
      async respond(request, conversation) {
        const answer = await service.respond(request, conversation);
        written.push(answer.response as Buffer);
        return answer;
      },
    },
  });
  t.teardown(() => listener.close());
  const peer = await connectPeer(listener.port);
  peer.socket.write(frame(1_024, 0x5a));
  await begun.nth(1);
  release();
  t.equal((await peer.answers(1))[0]?.[100], 0x5a);
  await until(() => written[0]?.every((byte) => byte === 0) === true);
  peer.socket.write(frame(1_024, 0x5a));
  await begun.nth(2);
  const socket = await listener.socketOf(peer);
  peer.socket.destroy();
  await once(socket, 'end');
  release();
  await listener.event('connectionClosed');
  await until(() => written[1]?.every((byte) => byte === 0) === true);
  t.equal(written.length, 2);
});

t.test('drain finishes messages that have begun and refuses new ones', async (t) => {
  const { service, begun, release } = holdAnswers();
  const listener = await openListener({ service, limits: { drainMilliseconds: 600_000 } });
  const [idle, busy, half] = [
    await connectPeer(listener.port),
    await connectPeer(listener.port),
    await connectPeer(listener.port),
  ];
  const handshaking = connectTcp(listener.port, '127.0.0.1');
  handshaking.on('error', () => {});
  busy.socket.write(Buffer.concat([frame(64, 1), frame(64, 2)]));
  half.socket.write(frame(64, 3).subarray(0, 32));
  await begun.nth(1);
  await listener.received(half, 32);
  const drained = listener.subject.drain();
  t.equal((await idle.closed).length, 0, 'an idle connection is ended at once');
  await new Promise((resolve) => handshaking.once('close', resolve));
  const refused = await new Promise((resolve) =>
    connectTcp(listener.port, '127.0.0.1').once('error', resolve),
  );
  t.match(refused, { code: 'ECONNREFUSED' });
  half.socket.write(frame(64, 3).subarray(32));
  await begun.nth(2);
  release();
  release();
  t.same((await busy.closed).length, 64, 'the message that had begun is answered, the next one is not');
  t.same((await half.closed)[12], 3, 'a message that was arriving is answered');
  await drained;
  t.notOk(
    listener.events.some(({ kind }) => kind === 'connectionEnded'),
    'long before the deadline',
  );
  t.equal(begun.items.length, 2);
});

t.test('drain destroys connections when its deadline has passed', async (t) => {
  const { service, begun } = holdAnswers();
  const listener = await openListener({ service, limits: { drainMilliseconds: 200 } });
  const peer = await connectPeer(listener.port);
  peer.socket.write(frame(64));
  await begun.nth(1);
  await listener.subject.drain();
  await peer.closed;
  t.pass();
});

import { connect as connectTcp } from 'node:net';
import t from 'tap';
import type { MessageService } from '../../src/protocol/service.ts';
import { demo, echo, enter, frame, openDoor, sleep, until } from './listener-fixture.ts';

/** Answers each message after a while, or at will. */
function held(): { service: MessageService; begun: () => number; release: () => void } {
  const waiting: (() => void)[] = [];
  let begun = 0;
  return {
    begun: () => begun,
    release: () => waiting.shift()?.(),
    service: {
      ...echo,
      async respond(request, conversation) {
        begun++;
        await new Promise<void>((resolve) => waiting.push(resolve));
        return echo.respond(request, conversation);
      },
    },
  };
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const client = { ...demo, minVersion: version, maxVersion: version };

  t.test(`${version}: messages however they are cut are answered in order`, async (t) => {
    const door = await openDoor();
    t.teardown(() => door.close());
    const numbered = Array.from({ length: 20 }, (_, n) => frame(16 + 8 * n, n));
    const same = (answers: readonly Buffer[]) => answers.map((answer) => [answer.length, answer[12]]);
    const expected = numbered.map((message, n) => [message.length, n]);

    const together = await enter(door.port, client);
    together.socket.write(Buffer.concat(numbered));
    t.same(same(await together.answers(20)), expected, 'all in one chunk');

    const bytes = await enter(door.port, client);
    for (const byte of Buffer.concat(numbered.slice(0, 4))) bytes.socket.write(Buffer.of(byte));
    t.same(same(await bytes.answers(4)), expected.slice(0, 4), 'byte by byte');

    const large = await enter(door.port, client);
    large.socket.write(frame(1_048_576, 3));
    t.same(same(await large.answers(1)), [[1_048_576, 3]], 'one of the largest');
    for (const { socket } of [together, bytes, large]) socket.end();
  });

  t.test(
    `${version}: CLIENTS 0.22: a client that closes its side is still answered, and gets our close_notify`,
    async (t) => {
      const { service, begun, release } = held();
      const door = await openDoor({ service });
      t.teardown(() => door.close());
      const peer = await enter(door.port, { ...client, allowHalfOpen: true } as object);
      const ended = new Promise((resolve) => peer.socket.once('end', resolve));
      peer.socket.end(frame(64, 9));
      await until(() => begun() === 1);
      await sleep(30);
      release();
      t.equal((await peer.answers(1))[0]?.[12], 9);
      await ended;
      peer.socket.destroy();
      await door.event('connectionClosed');
      t.equal(door.events.filter(({ kind }) => kind === 'connectionEnded').length, 0);
    },
  );
}

t.test('messages of one connection are served one at a time, and little is read ahead', async (t) => {
  const { service, begun, release } = held();
  const door = await openDoor({ service });
  t.teardown(() => door.close());
  const peer = await enter(door.port);
  const piece = frame(65_536);
  let taken = 0;
  for (let n = 0; n < 500; n++) peer.socket.write(piece, () => taken++);
  await until(() => begun() === 1);
  await sleep(200);
  t.equal(begun(), 1);
  t.ok(taken < 400, `back-pressure reaches the client: ${taken} of 500 pieces taken`);
  const others = await enter(door.port);
  others.socket.write(frame(64));
  await until(() => begun() === 2);
  release();
  release();
  t.equal((await others.answers(1)).length, 1, 'others are served meanwhile');
  peer.socket.destroy();
  others.socket.end();
  release();
});

t.test('bytes that are no message get one last answer', async (t) => {
  const door = await openDoor({ limits: { requestBytes: 4_096 } });
  t.teardown(() => door.close());
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
    const peer = await enter(door.port);
    peer.socket.write(frame(64, 5));
    await peer.answers(1);
    peer.socket.write(bytes);
    const received = await peer.closed;
    t.same([received.length, received[64 + 8]], [128, 0xee], name);
    t.equal(peer.error(), undefined, 'ended, not reset');
  }
  const flooding = await enter(door.port);
  flooding.socket.write(Buffer.concat([frame(64, 5), wrongTag, frame(64, 6), Buffer.alloc(500_000)]));
  t.same((await flooding.closed).length, 128, 'what follows is not looked at');
});

t.test('the service may close a connection behind an answer', async (t) => {
  const door = await openDoor({
    service: { ...echo, respond: async () => ({ response: frame(64, 1, 'response'), close: true }) },
  });
  t.teardown(() => door.close());
  const peer = await enter(door.port);
  peer.socket.write(Buffer.concat([frame(64), frame(64)]));
  t.equal((await peer.closed).length, 64);
});

t.test('a service that throws costs its connection only', async (t) => {
  const broken: MessageService = {
    respond: () => Promise.reject(new Error('a bug')),
    refuseFraming() {
      throw new Error('another bug');
    },
  };
  const door = await openDoor({ service: broken });
  t.teardown(() => door.close());
  for (const [bytes, message] of [
    [frame(64), 'a bug'],
    [Buffer.alloc(64), 'another bug'],
  ] as const) {
    const peer = await enter(door.port);
    peer.socket.write(bytes);
    t.equal((await peer.closed).length, 0);
    const ended = await door.event('connectionEnded', ({ error }) => error?.message === message);
    t.match(ended, { reason: 'internal error', client: 'demo' });
  }
});

t.test('answers are wiped once they are sent, or cannot be', async (t) => {
  const written: Buffer[] = [];
  const { service, begun, release } = held();
  const door = await openDoor({
    service: {
      ...service,
      async respond(request, conversation) {
        const answer = await service.respond(request, conversation);
        written.push(answer.response as Buffer);
        return answer;
      },
    },
  });
  t.teardown(() => door.close());
  const peer = await enter(door.port);
  peer.socket.write(frame(1_024, 0x5a));
  await until(() => begun() === 1);
  release();
  t.equal((await peer.answers(1))[0]?.[100], 0x5a);
  await until(() => written[0]?.every((byte) => byte === 0) === true);
  peer.socket.write(frame(1_024, 0x5a));
  await until(() => begun() === 2);
  peer.socket.destroy();
  await sleep(50);
  release();
  await door.event('connectionClosed');
  await until(() => written[1]?.every((byte) => byte === 0) === true);
  t.equal(written.length, 2);
});

t.test('draining', async (t) => {
  const { service, begun, release } = held();
  const door = await openDoor({ service, limits: { drainMilliseconds: 5_000 } });
  const [idle, busy, half] = [await enter(door.port), await enter(door.port), await enter(door.port)];
  const handshaking = connectTcp(door.port, '127.0.0.1');
  handshaking.on('error', () => {});
  busy.socket.write(Buffer.concat([frame(64, 1), frame(64, 2)]));
  half.socket.write(frame(64, 3).subarray(0, 32));
  await until(() => begun() === 1);
  await sleep(50);
  const started = Date.now();
  const drained = door.listener.drain();
  t.equal((await idle.closed).length, 0, 'an idle connection is ended at once');
  await new Promise((resolve) => handshaking.once('close', resolve));
  const refused = await new Promise((resolve) => connectTcp(door.port, '127.0.0.1').once('error', resolve));
  t.match(refused, { code: 'ECONNREFUSED' });
  half.socket.write(frame(64, 3).subarray(32));
  await until(() => begun() === 2);
  release();
  release();
  t.same((await busy.closed).length, 64, 'what had begun is finished, what had not is not begun');
  t.same((await half.closed)[12], 3, 'a message that was arriving is answered');
  await drained;
  t.ok(Date.now() - started < 3_000);
  t.equal(begun(), 2);
});

t.test('draining has a deadline', async (t) => {
  const { service, begun } = held();
  const door = await openDoor({ service, limits: { drainMilliseconds: 200 } });
  const peer = await enter(door.port);
  peer.socket.write(frame(64));
  await until(() => begun() === 1);
  await door.listener.drain();
  await peer.closed;
  t.pass();
});

import t, { type Test } from 'tap';
import type { Limits } from '../../src/common/limits.ts';
import { ttlvTransport } from '../../src/net/listener.ts';
import type { OpenReverseChannel } from '../../src/protocol/endpoints/endpoints.ts';
import { ChannelClosedError } from '../../src/protocol/endpoints/reverse-channel.ts';
import type { MessageService } from '../../src/protocol/service.ts';
import { type Door, echo, enter, frame, openDoor, type Peer, sleep } from './listener-fixture.ts';

/** The exchange of roles on a connection, without KMIP: a request of 64 bytes is taken for Set Endpoint Role. */

const reversing: MessageService = {
  ...echo,
  async respond(request, conversation) {
    if (request.length === 64) conversation.channel?.reverse('2.1');
    return echo.respond(request, conversation);
  },
};

interface Reversed {
  readonly door: Door;
  readonly peer: Peer;
  readonly open: OpenReverseChannel;
}

async function reverse(t: Test, limits: Partial<Limits> = {}): Promise<Reversed> {
  const served = Promise.withResolvers<OpenReverseChannel>();
  const serve = async (open: OpenReverseChannel) => served.resolve(open);
  const door = await openDoor({ service: reversing, transport: ttlvTransport({ serve }), limits });
  t.teardown(() => door.close());
  const peer = await enter(door.port);
  peer.socket.write(frame(64));
  const open = await served.promise;
  await peer.answers(1);
  return { door, peer, open };
}

t.test('the server asks behind its answer, and the client answers', async (t) => {
  const { peer, open } = await reverse(t);
  for (let nth = 2; nth <= 4; nth++) {
    const request = frame(16 * nth, nth);
    const answer = open.channel.exchange(request);
    const asked = (await peer.answers(nth))[nth - 1] as Buffer;
    t.equal(asked.toString('hex', 0, 4), '42007801');
    const said = frame(128, nth, 'response');
    peer.socket.write(said.subarray(0, 50));
    await sleep(10);
    peer.socket.write(said.subarray(50));
    t.ok(Buffer.from(await answer).equals(said), 'an answer in pieces');
    t.ok(
      request.every((byte) => byte === 0),
      'the request is wiped',
    );
  }
  t.equal(open.conversation().principal.client, 'demo');
  t.equal(open.version, '2.1');
});

t.test('without anybody who asks there is no exchange of roles', async (t) => {
  let channel: unknown = 'not looked at';
  const service: MessageService = {
    ...echo,
    async respond(request, conversation) {
      channel = conversation.channel;
      return echo.respond(request, conversation);
    },
  };
  const door = await openDoor({ service });
  t.teardown(() => door.close());
  const peer = await enter(door.port);
  peer.socket.write(frame(64));
  await peer.answers(1);
  t.equal(channel, undefined);
  peer.socket.end();
});

t.test('what ends it', async (t) => {
  t.test('no answer in time', async (t) => {
    const { door, peer, open } = await reverse(t, { answerMilliseconds: 200 });
    await t.rejects(open.channel.exchange(frame(16)), ChannelClosedError);
    t.match(await door.event('connectionEnded'), { reason: 'no response in time', client: 'demo' });
    await peer.closed;
    await t.rejects(open.channel.closed, ChannelClosedError);
    await t.rejects(open.channel.exchange(frame(16)), ChannelClosedError, 'and nothing more is asked');
  });

  t.test('half an answer', async (t) => {
    const { door, peer, open } = await reverse(t, { answerMilliseconds: 200 });
    const answer = open.channel.exchange(frame(16));
    peer.socket.write(frame(64, 0, 'response').subarray(0, 40));
    await t.rejects(answer, ChannelClosedError);
    t.match(await door.event('connectionEnded'), { reason: 'no response in time' });
  });

  t.test('garbage', async (t) => {
    for (const garbage of [
      Buffer.from('HTTP/1.1 200 OK\r\n\r\n'),
      frame(64),
      frame(16_777_216, 0, 'response'),
    ]) {
      const { door, peer, open } = await reverse(t);
      const answer = open.channel.exchange(frame(16));
      peer.socket.write(garbage.subarray(0, 64));
      await t.rejects(answer, ChannelClosedError);
      t.match(await door.event('connectionEnded'), { reason: /^response is not TTLV/ });
    }
  });

  t.test('words out of turn', async (t) => {
    for (const piece of [frame(64, 0, 'response'), frame(64, 0, 'response').subarray(0, 12)]) {
      const { door, peer } = await reverse(t);
      peer.socket.write(piece);
      t.match(await door.event('connectionEnded'), { reason: 'unexpected data from the client' });
    }
    const { door, peer, open } = await reverse(t);
    const answer = open.channel.exchange(frame(16));
    peer.socket.write(Buffer.concat([frame(64, 0, 'response'), frame(64, 0, 'response')]));
    await answer;
    t.match(await door.event('connectionEnded'), { reason: 'unexpected data from the client' });
  });

  t.test('requests sent ahead', async (t) => {
    for (const ahead of [frame(128), frame(128).subarray(0, 20)]) {
      const door = await openDoor({
        service: reversing,
        transport: ttlvTransport({ serve: async () => {} }),
      });
      t.teardown(() => door.close());
      const peer = await enter(door.port);
      peer.socket.write(Buffer.concat([frame(64), ahead]));
      t.match(await door.event('connectionEnded'), {
        reason: 'request received while the server sends requests',
      });
    }
  });

  t.test('hanging up', async (t) => {
    const { door, peer, open } = await reverse(t);
    const answer = open.channel.exchange(frame(16));
    peer.socket.end();
    await t.rejects(answer, ChannelClosedError);
    await door.event('connectionClosed');
    t.notOk(
      door.events.some(({ kind }) => kind === 'connectionEnded'),
      'and nobody is told',
    );
  });

  t.test('a client that is no longer enrolled', async (t) => {
    const { door, open } = await reverse(t);
    const answer = open.channel.exchange(frame(16));
    answer.catch(() => {});
    door.enrolled.clear();
    await door.listener.recheck();
    await t.rejects(answer, ChannelClosedError);
    t.match(await door.event('connectionEnded'), { reason: 'certificate not enrolled' });
  });

  t.test('the server', async (t) => {
    const { door, peer, open } = await reverse(t);
    const answer = open.channel.exchange(frame(16));
    await peer.answers(2);
    const drained = door.listener.drain();
    await t.rejects(open.channel.exchange(frame(16)), ChannelClosedError, 'nothing more is asked');
    peer.socket.write(frame(64, 0, 'response'));
    await answer;
    await drained;
    const silent = await reverse(t);
    await silent.door.listener.drain();
    await t.rejects(silent.open.channel.closed, ChannelClosedError, 'at once when nothing is awaited');
  });
});

t.test('silence does not end it', async (t) => {
  const { peer, open } = await reverse(t, { idleMilliseconds: 100 });
  await sleep(300);
  const answer = open.channel.exchange(frame(16));
  await peer.answers(2);
  peer.socket.write(frame(64, 0, 'response'));
  t.equal((await answer).length, 64);
});

t.test('roles handed back', async (t) => {
  const { door, peer, open } = await reverse(t, { idleMilliseconds: 200 });
  const answer = open.channel.exchange(frame(16));
  await peer.answers(2);
  peer.socket.write(frame(64, 0, 'response'));
  await answer;
  t.equal(open.channel.releaseRole(), true);
  await t.rejects(open.channel.closed, ChannelClosedError);
  t.equal(open.channel.releaseRole(), false, 'once');
  peer.socket.write(frame(128, 7));
  t.equal((await peer.answers(3))[2]?.length, 128, 'the client asks again');
  await peer.closed;
  t.notOk(
    door.events.some(({ kind }) => kind === 'connectionEnded'),
    'and silence ends it',
  );
});

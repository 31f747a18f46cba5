import t, { type Test } from 'tap';
import type { Limits } from '../../src/common/limits.ts';
import { ttlvTransport } from '../../src/net/transport.ts';
import type { OpenReverseChannel } from '../../src/protocol/endpoints/endpoints.ts';
import { ChannelClosedError } from '../../src/protocol/endpoints/reverse-channel.ts';
import type { MessageService } from '../../src/protocol/service.ts';
import { echo, frame, openListener, type TestListener } from './listener-fixture.ts';
import { connectPeer, type Peer } from './peer-fixture.ts';

/** Exchanged roles on a connection, without KMIP: a request of 64 bytes stands for Set Endpoint Role. */

const reversing: MessageService = {
  ...echo,
  async respond(request, conversation) {
    if (request.length === 64) conversation.channel?.reverse('2.1');
    return echo.respond(request, conversation);
  },
};

interface Reversed {
  readonly listener: TestListener;
  readonly peer: Peer;
  readonly open: OpenReverseChannel;
}

async function reverse(t: Test, limits: Partial<Limits> = {}): Promise<Reversed> {
  const served = Promise.withResolvers<OpenReverseChannel>();
  const serve = async (open: OpenReverseChannel) => served.resolve(open);
  const listener = await openListener({ service: reversing, transport: ttlvTransport({ serve }), limits });
  t.teardown(() => listener.close());
  const peer = await connectPeer(listener.port);
  peer.socket.write(frame(64));
  const open = await served.promise;
  await peer.answers(1);
  return { listener, peer, open };
}

t.test('the server sends requests after its response, and the client answers', async (t) => {
  const { listener, peer, open } = await reverse(t);
  let sent = 64;
  for (let nth = 2; nth <= 4; nth++) {
    const request = frame(16 * nth, nth);
    const answer = open.channel.exchange(request);
    const received = (await peer.answers(nth))[nth - 1] as Buffer;
    t.equal(received.toString('hex', 0, 4), '42007801');
    const response = frame(128, nth, 'response');
    peer.socket.write(response.subarray(0, 50));
    await listener.received(peer, sent + 50);
    peer.socket.write(response.subarray(50));
    sent += response.length;
    t.ok(Buffer.from(await answer).equals(response), 'a response in pieces');
    t.ok(
      request.every((byte) => byte === 0),
      'the request is wiped',
    );
  }
  t.equal(open.conversation().principal.client, 'demo');
  t.equal(open.version, '2.1');
});

t.test('a conversation has no channel when the transport has no endpoints', async (t) => {
  let channel: unknown = 'unread';
  const service: MessageService = {
    ...echo,
    async respond(request, conversation) {
      channel = conversation.channel;
      return echo.respond(request, conversation);
    },
  };
  const listener = await openListener({ service });
  t.teardown(() => listener.close());
  const peer = await connectPeer(listener.port);
  peer.socket.write(frame(64));
  await peer.answers(1);
  t.equal(channel, undefined);
  peer.socket.end();
});

t.test('the channel ends', async (t) => {
  t.test('when no response arrives in time', async (t) => {
    const { listener, peer, open } = await reverse(t, { answerMilliseconds: 200 });
    await t.rejects(open.channel.exchange(frame(16)), ChannelClosedError);
    t.match(await listener.event('connectionEnded'), { reason: 'no response in time', client: 'demo' });
    await peer.closed;
    await t.rejects(open.channel.closed, ChannelClosedError);
    await t.rejects(open.channel.exchange(frame(16)), ChannelClosedError, 'no further request is sent');
  });

  t.test('when only a part of a response arrives', async (t) => {
    const { listener, peer, open } = await reverse(t, { answerMilliseconds: 200 });
    const answer = open.channel.exchange(frame(16));
    peer.socket.write(frame(64, 0, 'response').subarray(0, 40));
    await t.rejects(answer, ChannelClosedError);
    t.match(await listener.event('connectionEnded'), { reason: 'no response in time' });
  });

  t.test('when the response is not TTLV', async (t) => {
    for (const garbage of [
      Buffer.from('HTTP/1.1 200 OK\r\n\r\n'),
      frame(64),
      frame(16_777_216, 0, 'response'),
    ]) {
      const { listener, peer, open } = await reverse(t);
      const answer = open.channel.exchange(frame(16));
      peer.socket.write(garbage.subarray(0, 64));
      await t.rejects(answer, ChannelClosedError);
      t.match(await listener.event('connectionEnded'), { reason: /^response is not TTLV/ });
    }
  });

  t.test('when the client sends a response without a request', async (t) => {
    for (const piece of [frame(64, 0, 'response'), frame(64, 0, 'response').subarray(0, 12)]) {
      const { listener, peer } = await reverse(t);
      peer.socket.write(piece);
      t.match(await listener.event('connectionEnded'), { reason: 'unexpected data from the client' });
    }
    const { listener, peer, open } = await reverse(t);
    const answer = open.channel.exchange(frame(16));
    peer.socket.write(Buffer.concat([frame(64, 0, 'response'), frame(64, 0, 'response')]));
    await answer;
    t.match(await listener.event('connectionEnded'), { reason: 'unexpected data from the client' });
  });

  t.test('when the client had sent a request ahead', async (t) => {
    for (const ahead of [frame(128), frame(128).subarray(0, 20)]) {
      const listener = await openListener({
        service: reversing,
        transport: ttlvTransport({ serve: async () => {} }),
      });
      t.teardown(() => listener.close());
      const peer = await connectPeer(listener.port);
      peer.socket.write(Buffer.concat([frame(64), ahead]));
      t.match(await listener.event('connectionEnded'), {
        reason: 'request received while the server sends requests',
      });
    }
  });

  t.test('when the client closes the connection', async (t) => {
    const { listener, peer, open } = await reverse(t);
    const answer = open.channel.exchange(frame(16));
    peer.socket.end();
    await t.rejects(answer, ChannelClosedError);
    await listener.event('connectionClosed');
    t.notOk(
      listener.events.some(({ kind }) => kind === 'connectionEnded'),
      'without a report',
    );
  });

  t.test('when the client is no longer enrolled', async (t) => {
    const { listener, open } = await reverse(t);
    const answer = open.channel.exchange(frame(16));
    answer.catch(() => {});
    listener.enrolled.clear();
    await listener.subject.recheck();
    await t.rejects(answer, ChannelClosedError);
    t.match(await listener.event('connectionEnded'), { reason: 'certificate not enrolled' });
  });

  t.test('when the server drains', async (t) => {
    const { listener, peer, open } = await reverse(t);
    const answer = open.channel.exchange(frame(16));
    await peer.answers(2);
    const drained = listener.subject.drain();
    await t.rejects(open.channel.exchange(frame(16)), ChannelClosedError, 'no further request is sent');
    peer.socket.write(frame(64, 0, 'response'));
    await answer;
    await drained;
    const silent = await reverse(t);
    await silent.listener.subject.drain();
    await t.rejects(silent.open.channel.closed, ChannelClosedError, 'at once when no response is awaited');
  });
});

t.test('an idle connection stays open while the server sends the requests', async (t) => {
  const { listener, peer, open } = await reverse(t);
  t.notOk((await listener.socketOf(peer)).timeout, 'the idle deadline is off');
  const answer = open.channel.exchange(frame(16));
  await peer.answers(2);
  peer.socket.write(frame(64, 0, 'response'));
  t.equal((await answer).length, 64);
});

t.test('the client sends requests again when the role is released', async (t) => {
  const { listener, peer, open } = await reverse(t, { idleMilliseconds: 2_000 });
  const answer = open.channel.exchange(frame(16));
  await peer.answers(2);
  peer.socket.write(frame(64, 0, 'response'));
  await answer;
  t.equal(open.channel.releaseRole(), true);
  await t.rejects(open.channel.closed, ChannelClosedError);
  t.equal(open.channel.releaseRole(), false, 'once');
  peer.socket.write(frame(128, 7));
  t.equal((await peer.answers(3))[2]?.length, 128, 'the client sends requests again');
  await peer.closed;
  t.notOk(
    listener.events.some(({ kind }) => kind === 'connectionEnded'),
    'the idle deadline closes the connection',
  );
});

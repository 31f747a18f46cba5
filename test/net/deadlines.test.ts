import { mock } from 'node:test';
import t from 'tap';
import { until } from './arrivals.ts';
import { demo } from './certificates-fixture.ts';
import { echo, frame, openListener } from './listener-fixture.ts';
import { connectPeer, stopReading } from './peer-fixture.ts';

t.test('deadlines', async (t) => {
  t.test('a message has one deadline when it arrives byte by byte', async (t) => {
    const listener = await openListener({ limits: { messageMilliseconds: 300 } });
    t.teardown(() => listener.close());
    const peer = await connectPeer(listener.port);
    const message = frame(4_096);
    let at = 0;
    const drip = setInterval(() => peer.socket.write(message.subarray(at++, at)), 20);
    await peer.closed;
    clearInterval(drip);
    t.ok(at < message.length, 'before the message is complete');
    t.match(await listener.event('connectionEnded'), { reason: 'message not completed in time' });
  });

  t.test('the deadline starts anew when the next message begins', async (t) => {
    const listener = await openListener({ limits: { messageMilliseconds: 300 } });
    t.teardown(() => listener.close());
    const stream = Buffer.concat(Array.from({ length: 8 }, () => frame(64)));
    const peer = await connectPeer(listener.port);
    mock.timers.enable({ apis: ['setTimeout'] });
    t.teardown(() => mock.timers.reset());
    // Every piece completes one message and begins the next.
    peer.socket.write(stream.subarray(0, 32));
    await listener.received(peer, 32);
    for (let at = 32; at < stream.length; at += 64) {
      mock.timers.tick(200);
      peer.socket.write(stream.subarray(at, at + 64));
      await listener.received(peer, Math.min(at + 64, stream.length));
      await peer.answers((at + 32) / 64);
    }
    t.equal((await peer.answers(8)).length, 8);
    peer.socket.end();
  });

  t.test('a connection ends when the client does not read a response', async (t) => {
    const responseBytes = 8_388_608;
    const written: Buffer[] = [];
    const listener = await openListener({
      limits: { writeMilliseconds: 300 },
      service: {
        ...echo,
        async respond() {
          const response = frame(responseBytes, 0xaa, 'response');
          written.push(response);
          return { response, close: false };
        },
      },
    });
    t.teardown(() => listener.close());
    const peer = await connectPeer(listener.port);
    stopReading(peer);
    for (let n = 0; n < 50; n++) peer.socket.write(frame(64));
    t.match(await listener.event('connectionEnded'), { reason: 'response not read in time' });
    t.equal(written.length, 1, 'no second response is computed while the first waits');
    await until(() => written[0]?.every((byte) => byte === 0) === true);
    t.pass('the response is wiped');
    peer.socket.destroy();
  });

  t.test('a connection is closed without a report when it is idle', async (t) => {
    const listener = await openListener({ limits: { idleMilliseconds: 1_000 } });
    t.teardown(() => listener.close());
    const peer = await connectPeer(listener.port);
    peer.socket.write(frame(64));
    t.equal((await peer.closed).length, 64);
    t.equal(peer.error(), undefined, 'ended with a close_notify');
    t.equal(listener.events.filter(({ kind }) => kind === 'connectionEnded').length, 0);
  });

  t.test('a connection is destroyed when the peer does not answer close_notify', async (t) => {
    const listener = await openListener({ limits: { idleMilliseconds: 200 } });
    t.teardown(() => listener.close());
    const peer = await connectPeer(listener.port, { ...demo, allowHalfOpen: true } as object);
    await listener.event('connectionClosed');
    t.equal(peer.socket.writable, true, 'the peer has not closed its side');
    peer.socket.destroy();
  });
});

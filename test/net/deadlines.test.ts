import t from 'tap';
import { deaf, demo, echo, enter, frame, openDoor, sleep, until } from './listener-fixture.ts';

t.test('deadlines', async (t) => {
  t.test('a message that drips', async (t) => {
    const door = await openDoor({ limits: { messageMilliseconds: 300 } });
    t.teardown(() => door.close());
    const peer = await enter(door.port);
    const message = frame(4_096);
    let at = 0;
    const drip = setInterval(() => peer.socket.write(message.subarray(at++, at)), 20);
    const started = Date.now();
    await peer.closed;
    clearInterval(drip);
    t.ok(Date.now() - started < 2_000);
    t.match(await door.event('connectionEnded'), { reason: 'message not completed in time' });
  });

  t.test('the clock starts anew with each message', async (t) => {
    const door = await openDoor({ limits: { messageMilliseconds: 300 } });
    t.teardown(() => door.close());
    const stream = Buffer.concat(Array.from({ length: 8 }, () => frame(64)));
    // Halves that straddle: every piece ends one message and begins the next.
    const straddling = await enter(door.port);
    straddling.socket.write(stream.subarray(0, 32));
    for (let at = 32; at < stream.length; at += 64) {
      await sleep(80);
      straddling.socket.write(stream.subarray(at, at + 64));
    }
    t.equal((await straddling.answers(8)).length, 8);
    straddling.socket.end();
  });

  t.test('a client that does not read', async (t) => {
    const responseBytes = 8_388_608;
    const written: Buffer[] = [];
    const door = await openDoor({
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
    t.teardown(() => door.close());
    const peer = await enter(door.port);
    deaf(peer);
    for (let n = 0; n < 50; n++) peer.socket.write(frame(64));
    t.match(await door.event('connectionEnded'), { reason: 'response not read in time' });
    t.equal(written.length, 1, 'no second answer is made while the first waits');
    await until(() => written[0]?.every((byte) => byte === 0) === true);
    t.pass('and it is wiped');
    peer.socket.destroy();
  });

  t.test('silence', async (t) => {
    const door = await openDoor({ limits: { idleMilliseconds: 300 } });
    t.teardown(() => door.close());
    const peer = await enter(door.port);
    peer.socket.write(frame(64));
    t.equal((await peer.closed).length, 64);
    t.equal(peer.error(), undefined, 'ended with a close_notify');
    t.equal(door.events.filter(({ kind }) => kind === 'connectionEnded').length, 0);
  });

  t.test('a peer that does not answer our goodbye', async (t) => {
    const door = await openDoor({ limits: { idleMilliseconds: 200 } });
    t.teardown(() => door.close());
    const peer = await enter(door.port, { ...demo, allowHalfOpen: true } as object);
    const started = Date.now();
    await door.event('connectionClosed');
    t.ok(Date.now() - started < 3_000);
    peer.socket.destroy();
  });
});

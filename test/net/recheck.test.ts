import t from 'tap';
import type { AuthenticationResult } from '../../src/identity/certificate.ts';
import { other } from './certificates-fixture.ts';
import { frame, openListener } from './listener-fixture.ts';
import { connectPeer } from './peer-fixture.ts';

t.test('recheck ends sessions when their clients are no longer enrolled', async (t) => {
  const listener = await openListener();
  t.teardown(() => listener.close());
  const [gone, gone2, stays] = [
    await connectPeer(listener.port),
    await connectPeer(listener.port),
    await connectPeer(listener.port, other),
  ];
  for (const peer of [gone, gone2, stays]) peer.socket.write(frame(64));
  await Promise.all([gone, gone2, stays].map((peer) => peer.answers(1)));
  const before = listener.lookups();
  await listener.subject.recheck();
  t.equal(listener.lookups() - before, 2, 'one lookup for each certificate');
  for (const [fingerprint, { name }] of listener.enrolled)
    if (name === 'demo') listener.enrolled.delete(fingerprint);
  await listener.subject.recheck();
  await Promise.all([gone.closed, gone2.closed]);
  t.equal(
    listener.events.filter(
      ({ kind, reason }) => kind === 'connectionEnded' && reason === 'certificate not enrolled',
    ).length,
    2,
  );
  stays.socket.write(frame(64));
  t.equal((await stays.answers(2)).length, 2);
  for (const client of listener.enrolled.values()) client.group = 'elsewhere';
  await listener.subject.recheck();
  await stays.closed;
  t.match(await listener.event('connectionEnded', ({ client }) => client === 'other'), {
    reason: 'the client has moved to another group',
  });
});

t.test('a client that is removed while a handshake is authenticated is not let in', async (t) => {
  const [asked, removed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let isEnrolled = true;
  const listener = await openListener({
    async authenticate() {
      const result: AuthenticationResult = isEnrolled
        ? { principal: { client: 'demo', group: 'test', may: () => true } }
        : { refused: 'certificate not enrolled', fingerprint: '' };
      asked.resolve();
      await removed.promise;
      return result;
    },
  });
  t.teardown(() => listener.close());
  const peer = await connectPeer(listener.port);
  await asked.promise;
  isEnrolled = false;
  await listener.subject.recheck();
  removed.resolve();
  t.match(await listener.event('handshakeRefused'), { reason: 'certificate not enrolled' });
  await peer.closed;
  t.equal(listener.subject.connections, 0);
});

t.test('a changed directory entry applies from the next message on', async (t) => {
  const seen: boolean[] = [];
  let may = true;
  const listener = await openListener({
    authenticate: async () => {
      const now = may;
      return { principal: { client: 'demo', group: 'test', may: () => now } };
    },
    service: {
      async respond(_, { principal }) {
        seen.push(principal.may('Get'));
        return { response: frame(64), close: false };
      },
      refuseFraming: () => frame(64),
    },
  });
  t.teardown(() => listener.close());
  const peer = await connectPeer(listener.port);
  peer.socket.write(frame(64));
  await peer.answers(1);
  may = false;
  await listener.subject.recheck();
  peer.socket.write(frame(64));
  await peer.answers(2);
  t.same(seen, [true, false]);
  peer.socket.end();
});

import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { issueClient } from '../../certs/issue.ts';
import { fingerprintOf } from '../../src/identity/certificate.ts';
import type { Conversation, MessageService } from '../../src/protocol/service.ts';
import { authority, demo, echo, enter, frame, identity, openDoor, other } from './listener-fixture.ts';

const issued = await issueClient(authority, 'demo');
const renewed = identity(issued);
const renewedCertificate = new X509Certificate(issued.certificate);
const former = fingerprintOf(new X509Certificate(demo.cert as string));

/** Answers a message of 128 bytes once the client has its new certificate, which `meanwhile` sees before that is durable. */
function replacing(meanwhile: () => Promise<void>, seen: Conversation[]): MessageService {
  return {
    ...echo,
    async respond(request, conversation) {
      seen.push(conversation);
      if (request.length === 128) {
        conversation.sessionControl?.expect(new Uint8Array(renewedCertificate.raw));
        await meanwhile();
        conversation.sessionControl?.replaced();
      }
      return echo.respond(request, conversation);
    },
  };
}

t.test('the connection that replaces the certificate stays for a while, others end', async (t) => {
  const seen: Conversation[] = [];
  const door = await openDoor({
    service: replacing(async () => {
      door.enrolled.delete(former);
      door.enrolled.set(fingerprintOf(renewedCertificate), { name: 'demo', group: 'test' });
      // The directory says so before the connection knows.
      await door.listener.recheck();
    }, seen),
  });
  t.teardown(() => door.close());
  const [asks, idle, stranger] = [
    await enter(door.port),
    await enter(door.port),
    await enter(door.port, other),
  ];
  for (const peer of [asks, idle, stranger]) peer.socket.write(frame(64));
  await Promise.all([asks, idle, stranger].map((peer) => peer.answers(1)));
  asks.socket.write(frame(128));
  t.equal((await asks.answers(2)).length, 2, 'its answer gets out');
  await idle.closed;
  await door.listener.recheck();
  for (const peer of [asks, stranger]) peer.socket.write(frame(64));
  t.equal((await asks.answers(3)).length, 3, 'and what it needs then');
  t.equal((await stranger.answers(2)).length, 2, 'others are not disturbed');
  await (await enter(door.port)).closed;
  t.match(await door.event('handshakeRefused'), { reason: 'certificate not enrolled', fingerprint: former });
  const anew = await enter(door.port, renewed);
  anew.socket.write(frame(64));
  t.equal((await anew.answers(1)).length, 1);

  const { now } = Date;
  t.teardown(() => {
    Date.now = now;
  });
  Date.now = () => now() + 61_000;
  await door.listener.recheck();
  await asks.closed;
  anew.socket.write(frame(64));
  t.equal((await anew.answers(2)).length, 2);
  for (const peer of [anew, stranger]) peer.socket.end();
});

t.test('the time is of no use to who is removed, or was not enrolled after all', async (t) => {
  for (const enrolledThen of [true, false]) {
    const door = await openDoor({
      service: replacing(async () => {
        if (enrolledThen)
          door.enrolled.set(fingerprintOf(renewedCertificate), { name: 'demo', group: 'test' });
      }, []),
    });
    t.teardown(() => door.close());
    const peer = await enter(door.port);
    peer.socket.write(frame(128));
    await peer.answers(1);
    door.enrolled.clear();
    await door.listener.recheck();
    await peer.closed;
    t.match(await door.event('connectionEnded'), { reason: 'certificate not enrolled' });
  }
});

t.test('a connection stays known by the certificate that was shown on it', async (t) => {
  const seen: Conversation[] = [];
  let now = former;
  const door = await openDoor({
    service: replacing(async () => {
      now = fingerprintOf(renewedCertificate);
    }, seen),
    authenticate: async (certificate) => {
      const fingerprint = fingerprintOf(certificate);
      if (fingerprint !== now) return { refused: 'certificate not enrolled', fingerprint };
      return { principal: { client: 'demo', group: 'test', fingerprint, may: () => true } };
    },
  });
  t.teardown(() => door.close());
  const peer = await enter(door.port);
  peer.socket.write(frame(128));
  await peer.answers(1);
  await door.listener.recheck();
  peer.socket.write(frame(64));
  await peer.answers(2);
  t.equal(seen.at(-1)?.principal.fingerprint, former, 'so it replaces nothing once more');
  peer.socket.end();
});

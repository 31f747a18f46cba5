import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { issueClient } from '../../certs/issue.ts';
import { fingerprintOf } from '../../src/identity/certificate.ts';
import type { Conversation, MessageService } from '../../src/protocol/service.ts';
import { authority, demo, identity, other } from './certificates-fixture.ts';
import { echo, frame, openListener } from './listener-fixture.ts';
import { connectPeer } from './peer-fixture.ts';

const issued = await issueClient(authority, 'demo');
const renewed = identity(issued);
const renewedCertificate = new X509Certificate(issued.certificate);
const previous = fingerprintOf(new X509Certificate(demo.cert as string));

/**
 * Replaces the certificate for a message of 128 bytes; `meanwhile` runs before the replacement is durable.
 */
function replaceCertificate(meanwhile: () => Promise<void>, seen: Conversation[]): MessageService {
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

t.test('a session stays open for a while when it replaces its certificate, others end', async (t) => {
  const seen: Conversation[] = [];
  const listener = await openListener({
    service: replaceCertificate(async () => {
      listener.enrolled.delete(previous);
      listener.enrolled.set(fingerprintOf(renewedCertificate), { name: 'demo', group: 'test' });
      // A recheck may run before the connection is notified.
      await listener.subject.recheck();
    }, seen),
  });
  t.teardown(() => listener.close());
  const [asks, idle, stranger] = [
    await connectPeer(listener.port),
    await connectPeer(listener.port),
    await connectPeer(listener.port, other),
  ];
  for (const peer of [asks, idle, stranger]) peer.socket.write(frame(64));
  await Promise.all([asks, idle, stranger].map((peer) => peer.answers(1)));
  asks.socket.write(frame(128));
  t.equal((await asks.answers(2)).length, 2, 'its response is sent');
  await idle.closed;
  await listener.subject.recheck();
  for (const peer of [asks, stranger]) peer.socket.write(frame(64));
  t.equal((await asks.answers(3)).length, 3, 'and further requests are answered');
  t.equal((await stranger.answers(2)).length, 2, 'others are not disturbed');
  await (await connectPeer(listener.port)).closed;
  t.match(await listener.event('handshakeRefused'), {
    reason: 'certificate not enrolled',
    fingerprint: previous,
  });
  const anew = await connectPeer(listener.port, renewed);
  anew.socket.write(frame(64));
  t.equal((await anew.answers(1)).length, 1);

  const { now } = Date;
  t.teardown(() => {
    Date.now = now;
  });
  Date.now = () => now() + 61_000;
  await listener.subject.recheck();
  await asks.closed;
  anew.socket.write(frame(64));
  t.equal((await anew.answers(2)).length, 2);
  for (const peer of [anew, stranger]) peer.socket.end();
});

t.test(
  'a session ends when its client is removed, or was not enrolled with the new certificate',
  async (t) => {
    for (const enrolledThen of [true, false]) {
      const listener = await openListener({
        service: replaceCertificate(async () => {
          if (enrolledThen)
            listener.enrolled.set(fingerprintOf(renewedCertificate), { name: 'demo', group: 'test' });
        }, []),
      });
      t.teardown(() => listener.close());
      const peer = await connectPeer(listener.port);
      peer.socket.write(frame(128));
      await peer.answers(1);
      listener.enrolled.clear();
      await listener.subject.recheck();
      await peer.closed;
      t.match(await listener.event('connectionEnded'), { reason: 'certificate not enrolled' });
    }
  },
);

t.test('a session keeps the fingerprint of the certificate that it was authenticated with', async (t) => {
  const seen: Conversation[] = [];
  let now = previous;
  const listener = await openListener({
    service: replaceCertificate(async () => {
      now = fingerprintOf(renewedCertificate);
    }, seen),
    authenticate: async (certificate) => {
      const fingerprint = fingerprintOf(certificate);
      if (fingerprint !== now) return { refused: 'certificate not enrolled', fingerprint };
      return { principal: { client: 'demo', group: 'test', fingerprint, may: () => true } };
    },
  });
  t.teardown(() => listener.close());
  const peer = await connectPeer(listener.port);
  peer.socket.write(frame(128));
  await peer.answers(1);
  await listener.subject.recheck();
  peer.socket.write(frame(64));
  await peer.answers(2);
  t.equal(seen.at(-1)?.principal.fingerprint, previous, 'the session cannot replace a certificate again');
  peer.socket.end();
});

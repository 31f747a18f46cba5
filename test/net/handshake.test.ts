import { KeyObject, webcrypto } from 'node:crypto';
import { mock } from 'node:test';
import { connect as connectTls } from 'node:tls';
import t from 'tap';
import { issueClient } from '../../certs/issue.ts';
import { generateKey, privateKeyToPem } from '../../certs/keys.ts';
import * as x509 from '../../certs/x509.ts';
import { authority, demo, identity, material, other, stranger } from './certificates-fixture.ts';
import { frame, openListener, type TestListener } from './listener-fixture.ts';
import { connectPeer, connectPlain } from './peer-fixture.ts';

const day = 86_400_000;
const expired = identity(await issueClient(authority, 'old', 'ec', new Date(Date.now() - 1_900 * day)));
const notYetValid = identity(await issueClient(authority, 'young', 'ec', new Date(Date.now() + 3 * day)));
const foreign = identity(await issueClient(stranger, 'foreign'));
const unenrolled = identity(await issueClient(authority, 'unenrolled'));
const serverAsClient = { ...demo, ...(await forServersOnly()) };

/** A certificate for servers only, as the authority might have issued; issueServer also allows clients. */
async function forServersOnly(): Promise<{ cert: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const usages: webcrypto.KeyUsage[] = ['sign', 'verify'];
  const { publicKey, privateKey } = await webcrypto.subtle.generateKey(algorithm, true, usages);
  const issuerKey = authority.key.export({ type: 'pkcs8', format: 'der' });
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: ['server'] }],
    issuer: new x509.X509Certificate(authority.certificate).subjectName.toJSON(),
    notBefore: new Date(Date.now() - day),
    notAfter: new Date(Date.now() + day),
    signingAlgorithm: algorithm,
    publicKey,
    signingKey: await webcrypto.subtle.importKey('pkcs8', issuerKey, algorithm, false, ['sign']),
    extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth])],
  });
  return { cert: certificate.toString('pem'), key: privateKeyToPem(KeyObject.from(privateKey)) };
}

/** Connects, waits until the connection is closed and returns the event of the refusal. */
async function refusal(
  listener: TestListener,
  options: object,
): Promise<{ reason?: string; level?: string; fingerprint?: string; peer?: string }> {
  const socket = connectTls({ host: '127.0.0.1', port: listener.port, ...options });
  socket.on('error', () => {});
  const { localPort } = await new Promise<{ localPort: number }>((resolve) =>
    socket.once('connect', () => resolve({ localPort: socket.localPort as number })),
  );
  await new Promise((resolve) => socket.once('close', resolve));
  return listener.event('handshakeRefused', ({ peer }) => peer === `127.0.0.1:${localPort}`);
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const only = { minVersion: version, maxVersion: version };

  t.test(
    `${version}: the listener refuses and reports clients without a valid enrolled certificate`,
    async (t) => {
      const listener = await openListener();
      t.teardown(() => listener.close());
      const cases = [
        ['a certificate of another authority', foreign, 'unknown issuer of the client certificate'],
        ['an expired certificate', expired, 'client certificate expired'],
        ['a certificate that is not valid yet', notYetValid, 'client certificate not yet valid'],
        ['a server certificate', serverAsClient, 'client certificate is not for TLS clients'],
        ['no certificate', { ca: authority.certificate }, 'no client certificate'],
        ['a certificate that nobody enrolled', unenrolled, 'certificate not enrolled'],
      ] as const;
      for (const [name, options, reason] of cases) {
        const event = await refusal(listener, { ...options, ...only });
        t.match(event, { reason, level: 'warn', peer: /^127\.0\.0\.1:[0-9]+$/ }, name);
      }
      t.match(await refusal(listener, { ...unenrolled, ...only }), { fingerprint: /^[0-9a-f]{64}$/ });
      t.equal(listener.subject.connections, 0);
    },
  );

  t.test(`${version}: the listener looks the client up again when its session is resumed`, async (t) => {
    const listener = await openListener();
    t.teardown(() => listener.close());
    const first = await connectPeer(listener.port, { ...demo, ...only });
    first.socket.write(frame(64));
    await first.answers(1);
    const ticket = await first.session;
    first.socket.end();
    await first.closed;

    const second = await connectPeer(listener.port, { ...demo, ...only, session: ticket });
    t.equal(second.socket.isSessionReused(), true);
    second.socket.write(frame(64, 7));
    t.equal((await second.answers(1))[0]?.[10], 7);
    second.socket.end();
    await second.closed;
    t.match(await listener.event('connectionOpened', ({ resumed }) => resumed === true), {
      client: 'demo',
      protocol: version,
    });
    t.equal(listener.lookups(), 2);

    listener.enrolled.clear();
    const third = await connectPeer(listener.port, { ...demo, ...only, session: ticket });
    t.equal(third.socket.isSessionReused(), true, 'TLS still resumes the session');
    third.socket.on('error', () => {});
    third.socket.write(frame(64));
    t.equal((await third.closed).length, 0, 'but no response is sent');
    t.match(await listener.event('handshakeRefused'), { reason: 'certificate not enrolled' });
  });

  t.test(
    `${version}: listeners resume each other's sessions when they have the same ticket keys, until a reload`,
    async (t) => {
      const ticketKeys = Buffer.alloc(48, 5);
      const [one, two] = [await openListener({ ticketKeys }), await openListener({ ticketKeys })];
      t.teardown(() => Promise.all([one.close(), two.close()]));
      const first = await connectPeer(one.port, { ...demo, ...only });
      first.socket.write(frame(64));
      const session = await first.session;
      first.socket.end();
      const there = await connectPeer(two.port, { ...demo, ...only, session });
      t.equal(there.socket.isSessionReused(), true);
      there.socket.end();
      two.subject.reload(material);
      const after = await connectPeer(two.port, { ...demo, ...only, session });
      t.equal(after.socket.isSessionReused(), false);
      after.socket.end();
    },
  );
}

t.test('a listener accepts the versions and cipher suites of its profile', async (t) => {
  const cases = [
    ['modern', { maxVersion: 'TLSv1.2' }, false],
    ['modern', { minVersion: 'TLSv1.3' }, true],
    ['intermediate', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }, false],
    ['intermediate', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }, true],
    ['intermediate', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }, false],
    ['legacy', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }, true],
    ['legacy', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }, false],
  ] as const;
  for (const [profile, options, accepted] of cases) {
    const listener = await openListener({ profile });
    const peer = await connectPeer(listener.port, { ...demo, ...options }).catch(() => undefined);
    t.equal(peer !== undefined, accepted, `${profile} ${JSON.stringify(options)}`);
    peer?.socket.end();
    await listener.close();
  }
});

t.test('the listener reports the protocol when bytes are not TLS', async (t) => {
  const listener = await openListener();
  t.teardown(() => listener.close());
  const cases = [
    ['GET / HTTP/1.1\r\n\r\n', 'HTTP instead of TLS'],
    [frame(64), 'not TLS'],
  ] as const;
  for (const [bytes, reason] of cases) {
    const peer = await connectPlain(listener.port);
    peer.socket.write(bytes);
    await peer.closed;
    t.match(await listener.event('handshakeRefused', (event) => event.reason === reason), { level: 'warn' });
  }
});

t.test('a handshake has one deadline when it arrives byte by byte', async (t) => {
  const listener = await openListener({ limits: { handshakeMilliseconds: 400 } });
  t.teardown(() => listener.close());
  const silent = await connectPlain(listener.port);
  const dripping = await connectPlain(listener.port);
  // A record of 512 bytes with the beginning of a ClientHello.
  const hello = Buffer.concat([Buffer.from('160301020001000201fc0303', 'hex'), Buffer.alloc(505)]);
  let at = 0;
  const drip = setInterval(() => dripping.socket.write(hello.subarray(at++, at)), 50);
  await Promise.all([silent.closed, dripping.closed]);
  clearInterval(drip);
  t.ok(at < hello.length, 'before the hello is complete');
  const late = listener.events.filter(({ reason }) => reason === 'handshake timeout');
  t.equal(late.length, 2);
});

t.test('the listener refuses clients when the directory hangs or fails', async (t) => {
  const asked = Promise.withResolvers<void>();
  const hanging = await openListener({
    limits: { handshakeMilliseconds: 300 },
    authenticate: () => {
      asked.resolve();
      return new Promise(() => {});
    },
  });
  const broken = await openListener({
    authenticate: () => Promise.reject(new Error('the database is away')),
  });
  t.teardown(() => Promise.all([hanging.close(), broken.close()]));
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const waiting = await connectPeer(hanging.port);
  await asked.promise;
  mock.timers.tick(300);
  await waiting.closed;
  t.match(await hanging.event('handshakeRefused'), { reason: 'handshake timeout' });
  await (await connectPeer(broken.port)).closed;
  t.match(await broken.event('handshakeRefused'), {
    reason: 'client directory unavailable',
    fingerprint: /^[0-9a-f]{64}$/,
  });
});

t.test('the listener reports at debug when a peer disconnects before its handshake', async (t) => {
  const listener = await openListener();
  t.teardown(() => listener.close());
  const tcp = await connectPlain(listener.port);
  tcp.socket.end();
  await tcp.closed;
  t.match(
    await listener.event('handshakeRefused'),
    { level: 'debug', reason: 'connection closed by the client' },
    'TCP only, gone at once',
  );
  const tls = await connectPeer(listener.port);
  tls.socket.end();
  await tls.closed;
  await listener.event('connectionClosed');
  t.equal(listener.events.filter(({ level }) => level === 'warn').length, 0);
  t.equal(listener.events.filter(({ kind }) => kind === 'connectionEnded').length, 0);
});

t.test('the listener refuses connections beyond its limits for one client and in all', async (t) => {
  const listener = await openListener({ limits: { connectionsPerClient: 2, connections: 4 } });
  t.teardown(() => listener.close());
  const peers = [await connectPeer(listener.port), await connectPeer(listener.port)];
  await listener.event('connectionOpened', () => listener.subject.connections === 2);
  await (await connectPeer(listener.port)).closed;
  t.match(await listener.event('handshakeRefused'), {
    reason: 'too many connections of this client',
    client: 'demo',
  });
  peers[0]?.socket.end();
  await listener.event('connectionClosed');
  const again = await connectPeer(listener.port);
  again.socket.write(frame(64));
  t.equal((await again.answers(1)).length, 1, 'a closed connection no longer counts');

  peers.push(again, await connectPeer(listener.port, other), await connectPeer(listener.port, other));
  const fifth = await connectPlain(listener.port);
  await fifth.closed;
  t.match(await listener.event('handshakeRefused', ({ reason }) => reason === 'too many connections'), {
    peer: /^127\.0\.0\.1:/,
  });
  for (const { socket } of peers) socket.end();
});

t.test('reload uses new certificates, and keeps the old ones when the key does not match', async (t) => {
  const listener = await openListener();
  t.teardown(() => listener.close());
  const key = privateKeyToPem(await generateKey('ec'));
  t.throws(() => listener.subject.reload({ ...material, key }), 'the key of another certificate');
  t.throws(() => listener.subject.reload({ ...material, cert: 'no certificate' }));
  const before = await connectPeer(listener.port);
  t.equal(before.socket.authorized, true);
  listener.subject.reload({ ...material, ca: [authority.certificate, stranger.certificate] });
  await (await connectPeer(listener.port, foreign)).closed;
  t.match(
    await listener.event('handshakeRefused'),
    { reason: 'certificate not enrolled' },
    'its issuer is known now',
  );
  before.socket.write(frame(64));
  t.equal((await before.answers(1)).length, 1, 'open connections go on');
  before.socket.end();
});

t.test('a connection ends when the client renegotiates in TLS 1.2', async (t) => {
  const listener = await openListener();
  t.teardown(() => listener.close());
  const peer = await connectPeer(listener.port, { ...demo, maxVersion: 'TLSv1.2' });
  peer.socket.write(frame(64));
  await peer.answers(1);
  peer.socket.renegotiate({}, () => {});
  await peer.closed;
  await listener.event('connectionClosed');
  const next = await connectPeer(listener.port);
  next.socket.write(frame(64));
  t.equal((await next.answers(1)).length, 1, 'the next client is served');
  next.socket.end();
});

import { KeyObject, webcrypto } from 'node:crypto';
import { connect as connectTls } from 'node:tls';
import t from 'tap';
import { issueClient } from '../../certs/issue.ts';
import { generateKey, privateKeyToPem } from '../../certs/keys.ts';
import * as x509 from '../../certs/x509.ts';
import {
  authority,
  type Door,
  demo,
  enter,
  frame,
  identity,
  knock,
  material,
  openDoor,
  other,
  sleep,
  stranger,
} from './listener-fixture.ts';

const day = 86_400_000;
const expired = identity(await issueClient(authority, 'old', 'ec', new Date(Date.now() - 1_900 * day)));
const unborn = identity(await issueClient(authority, 'young', 'ec', new Date(Date.now() + 3 * day)));
const foreign = identity(await issueClient(stranger, 'foreign'));
const unenrolled = identity(await issueClient(authority, 'unenrolled'));
const serverAsClient = { ...demo, ...(await forServersOnly()) };

/** A certificate for servers that the authority might have issued; our own are good for clients too. */
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

/** Connects, waits for the end and says what the server told its log. */
async function refusal(
  door: Door,
  options: object,
): Promise<{ reason?: string; level?: string; fingerprint?: string; peer?: string }> {
  const socket = connectTls({ host: '127.0.0.1', port: door.port, ...options });
  socket.on('error', () => {});
  const { localPort } = await new Promise<{ localPort: number }>((resolve) =>
    socket.once('connect', () => resolve({ localPort: socket.localPort as number })),
  );
  await new Promise((resolve) => socket.once('close', resolve));
  return door.event('handshakeRefused', ({ peer }) => peer === `127.0.0.1:${localPort}`);
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const only = { minVersion: version, maxVersion: version };

  t.test(`${version}: who is turned away, and what the log is told`, async (t) => {
    const door = await openDoor();
    t.teardown(() => door.close());
    const cases = [
      ['a certificate of another authority', foreign, 'unknown issuer of the client certificate'],
      ['an expired certificate', expired, 'client certificate expired'],
      ['a certificate that is not valid yet', unborn, 'client certificate not yet valid'],
      ['a server certificate', serverAsClient, 'client certificate is not for TLS clients'],
      ['no certificate', { ca: authority.certificate }, 'no client certificate'],
      ['a certificate that nobody enrolled', unenrolled, 'certificate not enrolled'],
    ] as const;
    for (const [name, options, reason] of cases) {
      const event = await refusal(door, { ...options, ...only });
      t.match(event, { reason, level: 'warn', peer: /^127\.0\.0\.1:[0-9]+$/ }, name);
    }
    t.match(await refusal(door, { ...unenrolled, ...only }), { fingerprint: /^[0-9a-f]{64}$/ });
    t.equal(door.listener.connections, 0);
  });

  t.test(`${version}: CLIENTS 0.21: sessions resume, and the client is looked up again`, async (t) => {
    const door = await openDoor();
    t.teardown(() => door.close());
    const first = await enter(door.port, { ...demo, ...only });
    first.socket.write(frame(64));
    await first.answers(1);
    const ticket = await first.session;
    first.socket.end();
    await first.closed;

    const second = await enter(door.port, { ...demo, ...only, session: ticket });
    t.equal(second.socket.isSessionReused(), true);
    second.socket.write(frame(64, 7));
    t.equal((await second.answers(1))[0]?.[10], 7);
    second.socket.end();
    await second.closed;
    t.match(await door.event('connectionOpened', ({ resumed }) => resumed === true), {
      client: 'demo',
      protocol: version,
    });
    t.equal(door.asked(), 2);

    door.enrolled.clear();
    const third = await enter(door.port, { ...demo, ...only, session: ticket });
    t.equal(third.socket.isSessionReused(), true, 'TLS itself still resumes');
    third.socket.on('error', () => {});
    third.socket.write(frame(64));
    t.equal((await third.closed).length, 0, 'but no answer is given');
    t.match(await door.event('handshakeRefused'), { reason: 'certificate not enrolled' });
  });

  t.test(
    `${version}: two listeners with the same ticket keys resume each other's sessions, a reload ends that`,
    async (t) => {
      const ticketKeys = Buffer.alloc(48, 5);
      const [one, two] = [await openDoor({ ticketKeys }), await openDoor({ ticketKeys })];
      t.teardown(() => Promise.all([one.close(), two.close()]));
      const first = await enter(one.port, { ...demo, ...only });
      first.socket.write(frame(64));
      const session = await first.session;
      first.socket.end();
      const there = await enter(two.port, { ...demo, ...only, session });
      t.equal(there.socket.isSessionReused(), true);
      there.socket.end();
      two.listener.reload(material);
      const after = await enter(two.port, { ...demo, ...only, session });
      t.equal(after.socket.isSessionReused(), false);
      after.socket.end();
    },
  );
}

t.test('the profiles: what each one takes', async (t) => {
  const cases = [
    ['modern', { maxVersion: 'TLSv1.2' }, false],
    ['modern', { minVersion: 'TLSv1.3' }, true],
    ['intermediate', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }, false],
    ['intermediate', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }, true],
    ['intermediate', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }, false],
    ['legacy', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }, true],
    ['legacy', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }, false],
  ] as const;
  for (const [profile, options, taken] of cases) {
    const door = await openDoor({ profile });
    const peer = await enter(door.port, { ...demo, ...options }).catch(() => undefined);
    t.equal(peer !== undefined, taken, `${profile} ${JSON.stringify(options)}`);
    peer?.socket.end();
    await door.close();
  }
});

t.test('bytes that are not TLS', async (t) => {
  const door = await openDoor();
  t.teardown(() => door.close());
  const cases = [
    ['GET / HTTP/1.1\r\n\r\n', 'HTTP instead of TLS'],
    [frame(64), 'not TLS'],
  ] as const;
  for (const [bytes, reason] of cases) {
    const peer = await knock(door.port);
    peer.socket.write(bytes);
    await peer.closed;
    t.match(await door.event('handshakeRefused', (event) => event.reason === reason), { level: 'warn' });
  }
});

t.test('a handshake has one deadline, however it drips', async (t) => {
  const door = await openDoor({ limits: { handshakeMilliseconds: 400 } });
  t.teardown(() => door.close());
  const silent = await knock(door.port);
  const dripping = await knock(door.port);
  const hello = Buffer.from('160301020001000201fc0303', 'hex');
  let at = 0;
  const drip = setInterval(() => dripping.socket.write(hello.subarray(at++, at)), 50);
  const started = Date.now();
  await Promise.all([silent.closed, dripping.closed]);
  clearInterval(drip);
  t.ok(Date.now() - started < 1_500, 'both are gone');
  const late = door.events.filter(({ reason }) => reason === 'handshake timeout');
  t.equal(late.length, 2);
});

t.test('a directory that hangs or fails', async (t) => {
  const hanging = await openDoor({
    limits: { handshakeMilliseconds: 300 },
    authenticate: () => new Promise(() => {}),
  });
  const broken = await openDoor({ authenticate: () => Promise.reject(new Error('the database is away')) });
  t.teardown(() => Promise.all([hanging.close(), broken.close()]));
  await (await enter(hanging.port)).closed;
  t.match(await hanging.event('handshakeRefused'), { reason: 'handshake timeout' });
  await (await enter(broken.port)).closed;
  t.match(await broken.event('handshakeRefused'), {
    reason: 'client directory unavailable',
    fingerprint: /^[0-9a-f]{64}$/,
  });
});

t.test('probes that come and go are not worth a warning', async (t) => {
  const door = await openDoor();
  t.teardown(() => door.close());
  const tcp = await knock(door.port);
  tcp.socket.end();
  await tcp.closed;
  t.match(
    await door.event('handshakeRefused'),
    { level: 'debug', reason: 'connection closed by the client' },
    'TCP only, gone at once',
  );
  const tls = await enter(door.port);
  tls.socket.end();
  await tls.closed;
  await door.event('connectionClosed');
  t.equal(door.events.filter(({ level }) => level === 'warn').length, 0);
  t.equal(door.events.filter(({ kind }) => kind === 'connectionEnded').length, 0);
});

t.test('limits: connections of one client, connections in all', async (t) => {
  const door = await openDoor({ limits: { connectionsPerClient: 2, connections: 4 } });
  t.teardown(() => door.close());
  const peers = [await enter(door.port), await enter(door.port)];
  await door.event('connectionOpened', () => door.listener.connections === 2);
  await (await enter(door.port)).closed;
  t.match(await door.event('handshakeRefused'), {
    reason: 'too many connections of this client',
    client: 'demo',
  });
  peers[0]?.socket.end();
  await door.event('connectionClosed');
  const again = await enter(door.port);
  again.socket.write(frame(64));
  t.equal((await again.answers(1)).length, 1, 'a place that was left is taken again');

  peers.push(again, await enter(door.port, other), await enter(door.port, other));
  const fifth = await knock(door.port);
  await fifth.closed;
  t.match(await door.event('handshakeRefused', ({ reason }) => reason === 'too many connections'), {
    peer: /^127\.0\.0\.1:/,
  });
  for (const { socket } of peers) socket.end();
});

t.test('recheck ends connections of clients that are no longer enrolled', async (t) => {
  const door = await openDoor();
  t.teardown(() => door.close());
  const [gone, gone2, stays] = [
    await enter(door.port),
    await enter(door.port),
    await enter(door.port, other),
  ];
  for (const peer of [gone, gone2, stays]) peer.socket.write(frame(64));
  await Promise.all([gone, gone2, stays].map((peer) => peer.answers(1)));
  const before = door.asked();
  await door.listener.recheck();
  t.equal(door.asked() - before, 2, 'one question for each certificate');
  for (const [fingerprint, { name }] of door.enrolled) if (name === 'demo') door.enrolled.delete(fingerprint);
  await door.listener.recheck();
  await Promise.all([gone.closed, gone2.closed]);
  t.equal(
    door.events.filter(
      ({ kind, reason }) => kind === 'connectionEnded' && reason === 'certificate not enrolled',
    ).length,
    2,
  );
  stays.socket.write(frame(64));
  t.equal((await stays.answers(2)).length, 2);
  for (const client of door.enrolled.values()) client.group = 'elsewhere';
  await door.listener.recheck();
  await stays.closed;
  t.match(await door.event('connectionEnded', ({ client }) => client === 'other'), {
    reason: 'the client has moved to another group',
  });
});

t.test('what the directory says anew counts from the next message on', async (t) => {
  const seen: boolean[] = [];
  let may = true;
  const door = await openDoor({
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
  t.teardown(() => door.close());
  const peer = await enter(door.port);
  peer.socket.write(frame(64));
  await peer.answers(1);
  may = false;
  await door.listener.recheck();
  peer.socket.write(frame(64));
  await peer.answers(2);
  t.same(seen, [true, false]);
  peer.socket.end();
});

t.test('a reload takes new certificates and keeps the old ones when they do not fit', async (t) => {
  const door = await openDoor();
  t.teardown(() => door.close());
  const key = privateKeyToPem(await generateKey('ec'));
  t.throws(() => door.listener.reload({ ...material, key }), 'the key of another certificate');
  t.throws(() => door.listener.reload({ ...material, cert: 'no certificate' }));
  const before = await enter(door.port);
  t.equal(before.socket.authorized, true);
  door.listener.reload({ ...material, ca: [authority.certificate, stranger.certificate] });
  await (await enter(door.port, foreign)).closed;
  t.match(
    await door.event('handshakeRefused'),
    { reason: 'certificate not enrolled' },
    'its issuer is known now',
  );
  before.socket.write(frame(64));
  t.equal((await before.answers(1)).length, 1, 'open connections go on');
  before.socket.end();
});

t.test('TLS 1.2 renegotiation ends the connection', async (t) => {
  const door = await openDoor();
  t.teardown(() => door.close());
  const peer = await enter(door.port, { ...demo, maxVersion: 'TLSv1.2' });
  peer.socket.write(frame(64));
  await peer.answers(1);
  peer.socket.renegotiate({}, () => {});
  await peer.closed;
  await sleep(20);
  const next = await enter(door.port);
  next.socket.write(frame(64));
  t.equal((await next.answers(1)).length, 1, 'the next client is served');
  next.socket.end();
});

import { execFile } from 'node:child_process';
import { webcrypto, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import t from 'tap';
import * as x509 from '../../certs/x509.ts';
import { defaultLimits } from '../../src/common/limits.ts';
import { connect, decode, encode, find, readIdentity, requestMessage, text, valueOf } from '../client.ts';
import { mainFile } from '../fixture/kmipd.ts';
import { aes, length, mask, OT, objectType, TA, uid } from './notation.ts';
import { daemonFor, Peer } from './peer.ts';
import { tapRecords } from './tls-records.ts';

/** TLS and connections, as all clients need them. */

const run = promisify(execFile);
const publicExponent = Uint8Array.of(1, 0, 1);

const daemon = await daemonFor(t);
const identity = await readIdentity(`${daemon.home}/clients/demo`);
const key = [OT(objectType.SymmetricKey), TA(aes, length(256), mask(12))];
const discover = encode(requestMessage('1.1', [{ operation: 'DiscoverVersions' }]));

for (const [version, cipher] of [
  ['TLSv1.2', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLSv1.2', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLSv1.3', 'TLS_AES_256_GCM_SHA384'],
] as const) {
  t.test(`point 21: ${version} with ${cipher}`, async (t) => {
    // The server's own key decides between ECDSA and RSA; clients offer both, without a server name.
    const ciphers = `${cipher}:${cipher.replace('ECDSA', 'RSA')}`;
    const tls = { minVersion: version, maxVersion: version, ciphers };
    const peer = await Peer.connect(t, daemon, { tls });
    t.equal(peer.client.socket.getProtocol(), version);
    t.equal(peer.client.socket.getCipher().name.replace('-RSA-', '-ECDSA-'), cipher);
    await peer.ask('1.2', 'Create', key);
  });
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`point 21: sessions of ${version} are resumed with client certificates`, async (t) => {
    const tls = { minVersion: version, maxVersion: version };
    const first = await connect({ port: daemon.port, ...identity, tls });
    let session: Buffer | undefined = first.socket.getSession();
    first.socket.on('session', (fresh: Buffer) => {
      session = fresh;
    });
    await first.send(discover);
    await first.close();
    t.notOk(first.socket.isSessionReused());
    for (let round = 0; round < 2; round++) {
      const peer = await Peer.connect(t, daemon, { tls: { ...tls, session: session as Buffer } });
      t.ok(peer.client.socket.isSessionReused(), 'resumed');
      await peer.ask('1.4', 'Create', key);
      await peer.client.close();
    }
  });
}

/** As vCenter makes it for itself: no alternative names, no key usages. PEM of certificate and key. */
async function bareCertificate(): Promise<{ cert: string; key: string }> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=vcenter.example',
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 86_400_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [],
  });
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(der, 'PRIVATE KEY') };
}

t.test('point 21: a certificate without alternative names and key usages is enough', async (t) => {
  const { cert, key: clientKey } = await bareCertificate();
  t.equal(new X509Certificate(cert).subjectAltName, undefined);
  t.equal(new X509Certificate(cert).keyUsage, undefined);
  const own = { ca: identity.ca, cert, key: clientKey };
  const file = join(daemon.home, 'vcenter.pem');
  await writeFile(file, cert);
  await run(process.execPath, [mainFile, 'client', 'add', 'vcenter', '--cert', file, '--home', daemon.home]);
  const enrolled = await eventually(() =>
    Peer.connect(t, daemon, own).then(async (peer) => {
      await peer.ask('1.1', 'DiscoverVersions');
      return peer;
    }),
  );
  t.ok((await enrolled.ask('1.1', 'Create', key)).id);
});

/** The daemon trusts a new authority shortly after the reload signal. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === 50) throw error;
      await pause(100);
    }
  }
}

t.test('point 21: our close_notify answers that of the client', async (t) => {
  const tap = await tapRecords(daemon.port);
  t.teardown(() => tap.close());
  const tls = { maxVersion: 'TLSv1.2', servername: 'localhost' } as const;
  const client = await connect({ ...identity, port: tap.port, tls });
  await client.send(discover);
  const before = tap.records.length;
  client.socket.end();
  await once(client.socket, 'close');
  t.same(
    tap.records.slice(before).map(({ type }) => type),
    [21],
    'one alert, then the end',
  );
});

t.test('point 21: the server serves other clients when a client disappears without closing', async (t) => {
  for (let round = 0; round < 20; round++) {
    const client = await connect({ ...identity, port: daemon.port });
    if (round % 2 === 0) await client.send(discover);
    if (round % 3 === 0) client.socket.write(discover.subarray(0, 20));
    client.socket.destroy();
  }
  const peer = await Peer.connect(t, daemon);
  t.ok((await peer.ask('1.0', 'Create', key)).id);
});

t.test('point 22: one operation per connection, many at once, and long-lived ones', async (t) => {
  const idle = await Peer.connect(t, daemon);
  const { id } = await idle.ask('1.1', 'Create', key);
  const rounds = Array.from({ length: 16 }, async () => {
    for (let round = 0; round < 3; round++) {
      const peer = await Peer.connect(t, daemon);
      t.equal((await peer.ask('1.1', 'Get', [uid(id)])).id, id);
      await peer.client.close();
    }
  });
  await Promise.all(rounds);
  await pause(1_500);
  t.equal((await idle.ask('1.1', 'Get', [uid(id)])).id, id, 'the idle connection is still there');
  t.ok(defaultLimits.idleMilliseconds >= 600_000, 'connections may be idle for minutes');
});

t.test('point 22: a bad message gets an error and keeps its connection', async (t) => {
  const peer = await Peer.connect(t, daemon);
  const good = encode(requestMessage('1.2', [{ operation: 'Create', payload: key }]));
  for (const [label, spoil] of [
    ['a type that does not exist', (bytes: Uint8Array) => bytes.set([0xee], 11)],
    ['a child longer than its parent', (bytes: Uint8Array) => bytes.set([0xff], 15)],
    ['a version nobody speaks', (bytes: Uint8Array) => bytes.set([9], 35)],
    ['a tag out of place', (bytes: Uint8Array) => bytes.set([0x42, 0, 0x0a], 16)],
  ] as const) {
    const bad = Uint8Array.from(good);
    spoil(bad);
    const answer = decode(await peer.client.send(bad));
    t.equal(valueOf(answer, 'BatchItem', 'ResultStatus'), 1, label);
    t.ok(find(answer, 'BatchItem', 'ResultReason'));
    t.ok(valueOf(answer, 'BatchItem', 'ResultMessage'));
    await peer.ask('1.2', 'Create', key);
  }
  t.equal(await peer.refused('1.2', 'Get', [text('Username', 'a')]), 'InvalidField');
  await peer.ask('1.2', 'Create', key);
});

t.test('point 22: the server accepts and drops probes that open a connection and send nothing', async (t) => {
  const sockets: TLSSocket[] = [];
  for (let count = 0; count < 10; count++) {
    const socket = connectTls({ ...identity, host: '127.0.0.1', port: daemon.port });
    await once(socket, 'secureConnect');
    sockets.push(socket);
  }
  const peer = await Peer.connect(t, daemon);
  await peer.ask('1.1', 'DiscoverVersions');
  for (const socket of sockets) {
    socket.end();
    await once(socket, 'close');
  }
  t.notMatch(daemon.output, /"level":"(error|fatal)"/, 'no errors in the log');
});

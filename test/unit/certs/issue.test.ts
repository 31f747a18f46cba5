import { createPublicKey, generateKeyPairSync, webcrypto, X509Certificate } from 'node:crypto';
import t from 'tap';
import { createAuthority, issueClient, issueServer, signRequest } from '../../../certs/issue.ts';
import { CertificateRefusedError, generateKey, type KeyKind, openAuthority } from '../../../certs/keys.ts';
import * as x509 from '../../../certs/x509.ts';

const now = new Date('2026-05-01T12:00:00Z');
const days = (from: Date, to: Date) => Math.round((to.getTime() - from.getTime()) / 86_400_000);

async function authority(kind: KeyKind = 'ec') {
  const key = await generateKey(kind);
  return openAuthority(await createAuthority('Test CA', key, now), key);
}

t.test('createAuthority issues a self-signed CA certificate for ten years', async (t) => {
  const { certificate } = await authority();
  const parsed = new x509.X509Certificate(certificate);
  const basic = parsed.getExtension(x509.BasicConstraintsExtension);
  t.match(basic, { ca: true, pathLength: 0, critical: true });
  t.equal(
    parsed.getExtension(x509.KeyUsagesExtension)?.usages,
    x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
  );
  t.equal(days(now, parsed.notAfter), 3652);
  t.ok(parsed.notBefore < now, 'begins in the past, for clients with slow clocks');
  t.ok(await parsed.isSelfSigned());
});

t.test('openAuthority refuses a certificate and a key that do not belong together', async (t) => {
  const { certificate } = await authority();
  const other = await generateKey('ec');
  t.throws(() => openAuthority(certificate, other), CertificateRefusedError);
});

for (const kind of ['ec', 'rsa'] as const) {
  t.test(`issueServer issues a server certificate for names and addresses with an ${kind} key`, async (t) => {
    const ca = await authority(kind);
    const key = await generateKey(kind);
    const names = ['localhost', 'kms.example.com', '127.0.0.1', '::1'];
    const certificate = new X509Certificate(await issueServer(ca, key, names, now));
    t.equal(
      certificate.subjectAltName,
      'DNS:localhost, DNS:kms.example.com, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    t.same(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    t.notOk(certificate.ca);
    t.ok(certificate.verify(new X509Certificate(ca.certificate).publicKey));
    t.ok(certificate.checkIssued(new X509Certificate(ca.certificate)));
    t.equal(days(now, certificate.validToDate), 730);
  });

  t.test(`issueClient issues a client certificate with an ${kind} key`, async (t) => {
    const ca = await authority();
    const client = await issueClient(ca, 'array-1', kind, now);
    const certificate = new X509Certificate(client.certificate);
    t.equal(certificate.subject, 'CN=array-1');
    t.same(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
    t.ok(certificate.checkPrivateKey(client.key));
    t.equal(client.key.asymmetricKeyType, kind);
    t.equal(days(now, certificate.validToDate), 1826);
  });
}

t.test('serial numbers are 128 random bits', async (t) => {
  const ca = await authority();
  const serials = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const { serialNumber } = new X509Certificate((await issueClient(ca, 'x', 'ec', now)).certificate);
    t.match(serialNumber, /^(?!00)[0-9A-F]{32}$/);
    serials.add(serialNumber);
  }
  t.equal(serials.size, 20);
});

t.test('no certificate outlives its authority', async (t) => {
  const ca = await authority();
  const end = new X509Certificate(ca.certificate).validToDate;
  const late = new Date(end.getTime() - 100 * 86_400_000);
  t.same(new X509Certificate((await issueClient(ca, 'x', 'ec', late)).certificate).validToDate, end);
});

t.test('a name with separators stays one common name', async (t) => {
  const client = await issueClient(await authority(), 'a, O=b+CN=c', 'ec', now);
  t.same(new x509.X509Certificate(client.certificate).subjectName.toJSON(), [{ CN: ['a, O=b+CN=c'] }]);
});

t.test('issueServer refuses names that are neither DNS names nor IP addresses', async (t) => {
  const ca = await authority();
  const key = await generateKey('ec');
  for (const name of ['', 'two words', 'a..b', 'host:5696', 'ä.example', '-']) {
    await t.rejects(issueServer(ca, key, [name]), CertificateRefusedError, JSON.stringify(name));
  }
  await t.rejects(issueServer(ca, key, []), CertificateRefusedError, 'no name at all');
  await t.resolves(issueServer(ca, key, ['*.example.com', 'under_score', 'x'.repeat(63)]));
});

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const rsa = (modulusLength: number) => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
});

async function request(algorithm: typeof ecdsa | ReturnType<typeof rsa>) {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  return x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=whatever, O=they wrote',
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 3, true)],
  });
}

t.test('signRequest uses only the key of the request', async (t) => {
  for (const algorithm of [ecdsa, rsa(2048)]) {
    const ca = await authority();
    const csr = await request(algorithm);
    for (const bytes of [new Uint8Array(csr.rawData), new TextEncoder().encode(csr.toString('pem'))]) {
      const certificate = new X509Certificate(await signRequest(ca, 'vcenter01', bytes, now));
      t.equal(certificate.subject, 'CN=vcenter01');
      t.notOk(certificate.ca);
      t.same(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
      const key = createPublicKey({ key: Buffer.from(csr.publicKey.rawData), format: 'der', type: 'spki' });
      t.ok(certificate.publicKey.equals(key));
    }
  }
});

t.test('signRequest refuses other bytes, weak keys and wrong signatures', async (t) => {
  const ca = await authority();
  const refusal = async (bytes: Uint8Array, message: RegExp) =>
    t.rejects(signRequest(ca, 'x', bytes), { name: 'CertificateRefusedError', message });
  await refusal(new TextEncoder().encode('hello'), /not a certificate request/);
  await refusal(new Uint8Array(0), /not a certificate request/);
  await refusal(new Uint8Array((await request(rsa(1024))).rawData), /RSA key has 1024 bits/);
  const broken = new Uint8Array((await request(ecdsa)).rawData);
  broken[broken.length - 1] = (broken[broken.length - 1] ?? 0) ^ 1;
  await refusal(broken, /signature does not match/);
});

t.test('refuseWeakKey refuses weak and uncommon keys', async (t) => {
  const { refuseWeakKey } = await import('../../../certs/keys.ts');
  const weak = [
    generateKeyPairSync('rsa', { modulusLength: 1024 }),
    generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
    generateKeyPairSync('x25519'),
  ];
  for (const { publicKey } of weak) t.throws(() => refuseWeakKey(publicKey), CertificateRefusedError);
  for (const curve of ['P-256', 'P-384', 'P-521']) {
    t.doesNotThrow(() => refuseWeakKey(generateKeyPairSync('ec', { namedCurve: curve }).publicKey));
  }
  t.doesNotThrow(() => refuseWeakKey(generateKeyPairSync('ed25519').publicKey));
});

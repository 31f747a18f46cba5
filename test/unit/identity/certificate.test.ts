import { createHash, webcrypto, X509Certificate } from 'node:crypto';
import t from 'tap';
import * as x509 from '../../../certs/x509.ts';
import { Operation } from '../../../codec/enums.ts';
import { requirePlainName } from '../../../src/cli/command.ts';
import { UsageError } from '../../../src/cli/failure.ts';
import {
  authenticate,
  authenticateProvisionally,
  fingerprintOf,
  isEnrolledSince,
  principalByName,
} from '../../../src/identity/certificate.ts';
import { extraPermissions, RolePolicy } from '../../../src/identity/policy.ts';
import type { Client, ClientDirectory } from '../../../src/identity/principal.ts';
import { SealBrokenError } from '../../../src/vault/vault.ts';

const now = new Date('2026-05-01T12:00:00Z');
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const policy = new RolePolicy();

async function selfSigned(options: { usages?: string[]; from?: string; until?: string }) {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['array-1'] }],
    notBefore: new Date(options.from ?? '2026-01-01T00:00:00Z'),
    notAfter: new Date(options.until ?? '2027-01-01T00:00:00Z'),
    signingAlgorithm: algorithm,
    keys,
    extensions: options.usages === undefined ? [] : [new x509.ExtendedKeyUsageExtension(options.usages)],
  });
  return new X509Certificate(certificate.toString('pem'));
}

function directoryOf(...clients: Client[]): ClientDirectory {
  return {
    byFingerprint: async (fingerprint) => clients.find((client) => client.fingerprint === fingerprint),
    byName: async (name) => clients.find((client) => client.name === name),
    list: async () => clients,
    add: async () => false,
    setDisabled: async () => false,
    remove: async () => false,
  };
}

const enrolled = (certificate: X509Certificate, changes: Partial<Client> = {}): Client => ({
  name: 'array-1',
  group: 'storage',
  role: 'ontap',
  fingerprint: fingerprintOf(certificate),
  disabled: false,
  enrolledAt: 1,
  certificate: certificate.toString(),
  hasCredentials: false,
  ...changes,
});

t.test('fingerprintOf returns the SHA-256 of the DER in lower-case hex', async (t) => {
  const certificate = await selfSigned({});
  t.equal(fingerprintOf(certificate), createHash('sha256').update(certificate.raw).digest('hex'));
  t.equal(fingerprintOf(certificate), certificate.fingerprint256.replaceAll(':', '').toLowerCase());
});

t.test('authenticate returns a principal with the group and role of the enrolled client', async (t) => {
  const certificate = await selfSigned({});
  const result = await authenticate(certificate, directoryOf(enrolled(certificate)), policy, now);
  if (!('principal' in result)) throw new Error('refused');
  t.equal(result.principal.client, 'array-1');
  t.equal(result.principal.group, 'storage');
  t.ok(result.principal.may('Register'));
  t.notOk(result.principal.may('Create'));
});

t.test('a principal is denied an operation when its role loses it later', async (t) => {
  const own = new RolePolicy({ mine: ['Get'] });
  const certificate = await selfSigned({});
  const result = await authenticate(
    certificate,
    directoryOf(enrolled(certificate, { role: 'mine' })),
    own,
    now,
  );
  if (!('principal' in result)) throw new Error('refused');
  t.ok(result.principal.may('Get'));
  t.equal(result.principal.restrictions?.(), undefined);
  own.replace({ mine: { operations: [], states: ['Active'] } });
  t.notOk(result.principal.may('Get'));
  t.same([...(result.principal.restrictions?.()?.states ?? [])], ['Active'], 'restrictions likewise');
  own.replace({});
  t.notOk(result.principal.may('Get'));
});

t.test('a principal for work without a connection has the restrictions of its role', async (t) => {
  const own = new RolePolicy({ mine: { operations: ['Get'], wrapping: 'required' } });
  const certificate = await selfSigned({});
  const directory = directoryOf(enrolled(certificate, { role: 'mine' }));
  const principal = await principalByName('array-1', directory, own, now);
  t.equal(principal?.restrictions?.()?.isWrappingRequired, true);
});

const clientAuth = '1.3.6.1.5.5.7.3.2';
const serverAuth = '1.3.6.1.5.5.7.3.1';
const any = '2.5.29.37.0';

const cases: [string, Parameters<typeof selfSigned>[0], Partial<Client> | undefined, string | undefined][] = [
  ['enrolled', {}, {}, undefined],
  ['not enrolled', {}, undefined, 'certificate not enrolled'],
  ['disabled', {}, { disabled: true }, 'client disabled'],
  ['expired', { until: '2026-05-01T11:59:59Z' }, {}, 'certificate expired'],
  ['last second', { until: '2026-05-01T12:00:00Z' }, {}, undefined],
  ['not yet valid', { from: '2026-05-01T12:00:01Z' }, {}, 'certificate not yet valid'],
  ['usage: client', { usages: [clientAuth] }, {}, undefined],
  ['usage: both', { usages: [serverAuth, clientAuth] }, {}, undefined],
  ['usage: any', { usages: [any] }, {}, 'certificate is not for TLS clients'],
  ['usage: server only', { usages: [serverAuth] }, {}, 'certificate is not for TLS clients'],
];
for (const [name, options, changes, refused] of cases) {
  t.test(
    `authenticate ${refused === undefined ? 'accepts' : 'refuses'} a certificate: ${name}`,
    async (t) => {
      const certificate = await selfSigned(options);
      const directory = changes === undefined ? directoryOf() : directoryOf(enrolled(certificate, changes));
      const result = await authenticate(certificate, directory, policy, now);
      t.equal('refused' in result ? result.refused : undefined, refused);
      if ('refused' in result) t.equal(result.fingerprint, fingerprintOf(certificate));
      const absent = await principalByName('array-1', directory, policy, now);
      t.equal(absent?.fingerprint, refused === undefined ? fingerprintOf(certificate) : undefined);
    },
  );
}

t.test('authenticate tells whether the operator gave the client credentials', async (t) => {
  const certificate = await selfSigned({});
  for (const secondFactor of [true, false]) {
    const directory = directoryOf(enrolled(certificate, { hasCredentials: secondFactor }));
    const result = await authenticate(certificate, directory, policy, now);
    t.match(result, { principal: { secondFactor, fingerprint: fingerprintOf(certificate) } });
  }
});

t.test('while nobody can be looked up, every certificate gets the same', async (t) => {
  for (const [name, options, , refused] of cases.filter(([, , changes]) => changes?.disabled === undefined)) {
    const certificate = await selfSigned(options);
    const result = authenticateProvisionally(certificate, now);
    const isUnusable = refused !== undefined && refused !== 'certificate not enrolled';
    t.equal('refused' in result ? result.refused : undefined, isUnusable ? refused : undefined, name);
    if ('refused' in result) continue;
    const { client, group, isProvisional, may } = result.principal;
    t.match({ client, group, isProvisional }, { group: '', isProvisional: true }, name);
    t.throws(() => requirePlainName('the name', client), UsageError, 'no client has that name');
    const operations = [...Operation.members, ...extraPermissions].filter(may);
    t.same(operations.toSorted(), ['DiscoverVersions', 'Ping', 'Query']);
  }
});

t.test('authenticate refuses another certificate with the same name', async (t) => {
  const [one, two] = [await selfSigned({}), await selfSigned({})];
  t.match(await authenticate(two, directoryOf(enrolled(one)), policy, now), {
    refused: 'certificate not enrolled',
  });
});

t.test('authenticate rejects when the directory is unavailable', async (t) => {
  const certificate = await selfSigned({});
  const unavailable = { ...directoryOf(), byFingerprint: () => Promise.reject(new Error('unavailable')) };
  await t.rejects(authenticate(certificate, unavailable, policy, now), /unavailable/);
});

t.test('a client whose row was altered is refused, and does not count as removed', async (t) => {
  const certificate = await selfSigned({});
  const broken = () => Promise.reject(new SealBrokenError('altered'));
  const directory = { ...directoryOf(), byFingerprint: broken, byName: broken };
  const fingerprint = fingerprintOf(certificate);
  t.same(await authenticate(certificate, directory, policy, now), {
    refused: 'certificate not enrolled',
    fingerprint,
  });
  t.equal(await principalByName('array-1', directory, policy, now), undefined);
  await t.rejects(isEnrolledSince({ client: 'array-1', enrolledAt: 1 }, directory), SealBrokenError);
});

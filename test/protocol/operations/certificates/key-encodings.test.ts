import { webcrypto } from 'node:crypto';
import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import type { Attribute } from '../../../../codec/attribute.ts';
import type { NamingPolicy } from '../../../../src/common/certification-rules.ts';
import { encodeDer, makeBits, makeNull, makeOid, makeSequence } from '../../../../src/crypto/asn1/der.ts';
import { readSpki, writeRsaPublicKey } from '../../../../src/crypto/keys/der-keys.ts';
import { convertPoint } from '../../../../src/crypto/keys/elliptic.ts';
import { DeleteAttribute } from '../../../../src/operations/attributes/delete-attribute.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { TestService } from '../../service.ts';
import { ask, having, succeed } from '../ask.ts';
import {
  type Authority,
  attribute,
  authority,
  certificateOf,
  clientKeys,
  ecdsa,
  keyPair,
  linkTo,
  name,
  p256,
  readX509,
} from './authority.ts';
import { domainPolicy, openPolicies } from './policies.ts';
import { listOf, listsOf } from './revocation.ts';

const policy: NamingPolicy = { ...domainPolicy, subordinates: false };

/** What binds the key of an authority binds it in certificates with other encodings of the key. */

const rsa = [attribute('CryptographicAlgorithm', 'RSA'), attribute('CryptographicLength', 2048)];

function encodeRsa(spki: Uint8Array, oid: string, isNullStated: boolean): Uint8Array {
  const key = readSpki(spki);
  if (key.kind !== 'rsaPublic') throw new Error('no RSA key');
  const algorithm = [makeOid(oid), ...(isNullStated ? [makeNull()] : [])];
  return encodeDer(makeSequence(makeSequence(...algorithm), makeBits(writeRsaPublicKey(key))));
}

function encodePoint(spki: Uint8Array, form: 'compressed' | 'hybrid'): Uint8Array {
  const key = readSpki(spki);
  if (key.kind !== 'ecPublic') throw new Error('no EC key');
  const algorithm = makeSequence(makeOid('1.2.840.10045.2.1'), makeOid(key.curve.oid));
  return encodeDer(makeSequence(algorithm, makeBits(convertPoint(key.curve, key.point, form))));
}

type Encoding = readonly [
  key: typeof p256,
  encode: (spki: Uint8Array) => Uint8Array,
  signature?: readonly Attribute[],
];
const encodings: Readonly<Record<string, Encoding>> = {
  'RSA without NULL': [rsa, (spki) => encodeRsa(spki, '1.2.840.113549.1.1.1', false)],
  'RSASSA-PSS': [
    rsa,
    (spki) => encodeRsa(spki, '1.2.840.113549.1.1.10', false),
    [attribute('DigitalSignatureAlgorithm', 'RSASSA_PSS')],
  ],
  'RSA of X.500': [rsa, (spki) => encodeRsa(spki, '2.5.8.1.1', true)],
  'a compressed point': [p256, (spki) => encodePoint(spki, 'compressed')],
  'a hybrid point': [p256, (spki) => encodePoint(spki, 'hybrid')],
};

interface Tried {
  readonly service: TestService;
  readonly root: Authority;
  /** Identifier of a certificate for the key of the root in another encoding, by an authority of others. */
  readonly crafted: string;
  readonly policies: Map<string, NamingPolicy>;
  /** How the key signs as that encoding demands. */
  readonly signature: readonly Attribute[];
}

async function open(
  t: { teardown(close: () => unknown): void },
  [key, encode, signature = []]: Encoding,
): Promise<Tried> {
  const { service, authorities: policies } = await openPolicies(t);
  const root = await authority(service, 'Root', key);
  const keys = await clientKeys();
  const draft = {
    notBefore: new Date(service.now),
    notAfter: new Date(service.now + 86_400_000),
    signingAlgorithm: ecdsa,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  };
  const own = await x509.X509CertificateGenerator.createSelfSigned(
    { ...draft, name: 'CN=Own', keys, serialNumber: '01' },
    webcrypto as Crypto,
  );
  await register(service, own);
  const made = await x509.X509CertificateGenerator.create(
    {
      ...draft,
      subject: readX509(root.der).subject,
      issuer: 'CN=Own',
      publicKey: new Uint8Array(encode(new Uint8Array(readX509(root.der).publicKey.rawData))),
      signingKey: keys.privateKey as CryptoKey,
      serialNumber: '02',
    },
    webcrypto as Crypto,
  );
  const crafted = await register(service, made, root.privateKey);
  for (const UniqueIdentifier of [root.certificate, root.publicKey, root.privateKey])
    await ask(service, '2.1', DeleteAttribute, { UniqueIdentifier, AttributeReference: { name: 'Link' } });
  return { service, root, crafted, policies, signature };
}

async function register(service: TestService, made: x509.X509Certificate, key?: string): Promise<string> {
  const { UniqueIdentifier } = await succeed(service, '2.1', Register, {
    ObjectType: 'Certificate',
    Attributes: having(
      attribute('ActivationDate', service.now / 1000),
      ...(key === undefined ? [] : [linkTo(key, 'PrivateKeyLink')]),
    ),
    Object: {
      type: 'Certificate',
      value: { CertificateType: 'X_509', CertificateValue: new Uint8Array(made.rawData) },
    },
  });
  return UniqueIdentifier;
}

const certify = async ({ service, signature }: Tried, CN: string, ...more: readonly Attribute[]) =>
  ask(service, '2.1', Certify, {
    UniqueIdentifier: (await keyPair(service)).publicKey,
    Attributes: having(...name('Subject', { CN }), ...signature, ...more),
  });

const compromise = (service: TestService, UniqueIdentifier: string) =>
  succeed(service, '2.1', Revoke, {
    UniqueIdentifier,
    RevocationReason: { RevocationReasonCode: 'KeyCompromise' },
    CompromiseOccurrenceDate: service.now / 1000,
  });

for (const [what, encoding] of Object.entries(encodings)) {
  t.test(`name, list, policy and compromise of an authority are those of its key as ${what}`, async (t) => {
    const tried = await open(t, encoding);
    const { service, root, crafted, policies } = tried;
    const named = await certify(tried, 'w', ...name('Issuer', { CN: 'Root' }));
    t.match(named, { status: 'Success' }, 'the name');
    const ended = await certify(tried, 'x', linkTo(crafted));
    await compromise(service, ended.id as string);
    const other = await certify(tried, 'y', linkTo(crafted));
    const serial = readX509(await certificateOf(service, other.id as string)).serialNumber;
    t.equal(await listsOf(service).revoke(root.certificate, Uint8Array.fromHex(serial)), 'CN=y', 'by serial');
    t.equal(new x509.X509Crl((await listOf(service, root)).der).entries.length, 2, 'the list');
    policies.set(root.certificate, policy);
    t.match(await certify(tried, 'a.kmip.example', linkTo(crafted)), { status: 'Success' }, 'inside');
    t.match(
      await certify(tried, 'a.bank.example', linkTo(crafted)),
      { reason: 'PermissionDenied', message: /policy of an authority/ },
      'outside',
    );
    await compromise(service, root.certificate);
    t.match(await certify(tried, 'z', linkTo(crafted)), { reason: 'ItemNotFound' }, 'compromised');
  });
}

t.test('the compromise of another encoding is that of the key', async (t) => {
  for (const what of ['RSA without NULL', 'a compressed point']) {
    const tried = await open(t, encodings[what] as Encoding);
    t.match(await certify(tried, 'x', linkTo(tried.root.certificate)), { status: 'Success' }, what);
    await compromise(tried.service, tried.crafted);
    t.match(await certify(tried, 'x', linkTo(tried.root.certificate)), { reason: 'ItemNotFound' }, what);
  }
});

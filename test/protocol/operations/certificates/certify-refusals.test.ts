import type { webcrypto } from 'node:crypto';
import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import type { Attribute } from '../../../../codec/attribute.ts';
import { eraOf } from '../../../../codec/version.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { everything, having, outcome, refuses, storedKey, succeed, testedVersions } from '../ask.ts';
import { attribute, authority, carrying, keyPair, name, opened, requestOf } from './authority.ts';

t.test('Certify refuses unsuitable objects and requests', async (t) => {
  const service = await opened(t);
  await authority(service);
  const pair = await keyPair(service);
  const archived = await keyPair(service);
  await succeed(service, '1.4', Archive, { UniqueIdentifier: archived.publicKey });
  const destroyed = await keyPair(service);
  await succeed(service, '1.4', Destroy, { UniqueIdentifier: destroyed.publicKey });
  const compromised = await keyPair(service);
  await succeed(service, '1.4', Revoke, {
    UniqueIdentifier: compromised.publicKey,
    RevocationReason: { RevocationReasonCode: 'KeyCompromise' },
  });
  const symmetric = await storedKey(service);
  const key = { UniqueIdentifier: pair.publicKey };
  const subject = name('Subject', { CN: 'x' });
  const x500 = attribute('X_509CertificateSubject', {
    SubjectDistinguishedName: Uint8Array.of(1, 2, 3),
    SubjectAlternativeName: [],
  });
  await refuses(t, service, Certify, [
    ['no such object', { UniqueIdentifier: 'nobody' }, 'ItemNotFound'],
    ['a symmetric key', { UniqueIdentifier: symmetric }, 'PermissionDenied', 'InvalidObjectType'],
    ['a private key', { UniqueIdentifier: pair.privateKey }, 'PermissionDenied', 'InvalidObjectType'],
    ['archived', { UniqueIdentifier: archived.publicKey }, 'ObjectArchived'],
    ['destroyed', { UniqueIdentifier: destroyed.publicKey }, 'ItemNotFound', 'ObjectDestroyed'],
    ['nobody says who the subject is', key, 'InvalidField'],
  ]);
  const states = await outcome(service, '2.1', Certify, { UniqueIdentifier: compromised.publicKey });
  t.equal(states, 'WrongKeyLifecycleState', 'compromised');
  const { der } = await requestOf();
  const broken = new Uint8Array(der);
  broken[broken.length - 3] = (broken.at(-3) as number) ^ 1;
  const weak = await rsaRequest(1024);
  for (const version of testedVersions) {
    const classic = eraOf(version) === '1.x';
    const csr = classic ? 'InvalidField' : 'InvalidCSR';
    const rows: [what: string, request: object, expected: string][] = [
      ['not a certificate request', carrying(version, Uint8Array.of(1, 2, 3)), csr],
      ['not what its type says', carrying(version, der, 'PEM'), csr],
      ['a signature that does not fit', carrying(version, broken), csr],
      ['CRMF', carrying(version, der, 'CRMF'), 'FeatureNotSupported'],
      [
        'without its type',
        { ...carrying(version, der), CertificateRequestType: undefined },
        'InvalidMessage',
      ],
      [
        'a weak key',
        carrying(version, weak),
        classic ? 'InvalidField' : 'UnsupportedCryptographicParameters',
      ],
      [
        'a PGP certificate',
        { ...carrying(version, der), Attributes: having(attribute('CertificateType', 'PGP')) },
        'FeatureNotSupported',
      ],
      [
        'an attribute of the server',
        { ...carrying(version, der), Attributes: having(attribute('State', 'Active')) },
        classic ? 'InvalidField' : 'AttributeReadOnly',
      ],
    ];
    const before = await everything(service);
    for (const [what, request, expected] of rows) {
      t.equal(await outcome(service, version, Certify, request), expected, `${version}: ${what}`);
    }
    t.same(await everything(service), before, `${version}: nothing has changed`);
  }
  const alternative = (der: Uint8Array) =>
    attribute('X_509CertificateSubject', { SubjectAlternativeName: [der] });
  const cases: [what: string, attributes: Attribute[], expected: string][] = [
    ['a name that is not DER', [x500], 'InvalidField'],
    [
      'an alternative name that is not DER',
      [...subject, alternative(Uint8Array.of(0x82, 9, 1))],
      'InvalidField',
    ],
    [
      'an alternative name that is a number',
      [...subject, alternative(Uint8Array.of(2, 1, 1))],
      'InvalidField',
    ],
    ['an empty part of a name', [...name('Subject', { CN: '' })], 'InvalidField'],
    ['a country of three letters', [...name('Subject', { C: 'DEU' })], 'InvalidField'],
    [
      'a signature of another algorithm',
      [...subject, attribute('DigitalSignatureAlgorithm', 'SHA_256WithRSAEncryption')],
      'BadCryptographicParameters',
    ],
    [
      'a signature with SHA-1',
      [...subject, attribute('DigitalSignatureAlgorithm', 'ECDSAWithSHA_1')],
      'UnsupportedCryptographicParameters',
    ],
  ];
  for (const [what, attributes, expected] of cases) {
    const request = { ...key, Attributes: having(...attributes) };
    t.equal(await outcome(service, '2.1', Certify, request), expected, what);
  }
});

async function rsaRequest(modulusLength: number): Promise<Uint8Array> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(
    { ...algorithm, modulusLength, publicExponent: Uint8Array.of(1, 0, 1) },
    true,
    ['sign', 'verify'],
  );
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    { name: 'CN=weak', signingAlgorithm: algorithm, keys: keys as webcrypto.CryptoKeyPair },
    crypto as Crypto,
  );
  return new Uint8Array(request.rawData);
}

import { X509Certificate } from 'node:crypto';
import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import type { Attribute } from '../../../../codec/attribute.ts';
import { isWithin, type Version, versions } from '../../../../codec/version.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../../../src/operations/certificates/re-certify.ts';
import { Locate } from '../../../../src/operations/locate.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { richCertificate } from '../../../unit/crypto/node/vectors.ts';
import type { TestService } from '../../service.ts';
import { attributesOf, having, succeed } from '../ask.ts';
import {
  attribute,
  authority,
  carrying,
  certificateOf,
  keyPair,
  linkTo,
  name,
  opened,
  requestOf,
} from './authority.ts';

/**
 *
 * Attributes of the content of a certificate, by version (KMIP 1.0 §3.8–3.12, 1.4 §3.8–3.16, 2.1
 * §4.6–4.10).
 */

const parts = ['CN', 'O', 'OU', 'Email', 'C', 'ST', 'L', 'UID', 'SerialNumber', 'Title', 'DC', 'DNQualifier'];
const namesByVersion: readonly [since: Version, until: Version | undefined, names: readonly string[]][] = [
  ['1.0', undefined, ['CertificateType']],
  ['1.0', '1.4', ['CertificateIdentifier', 'CertificateSubject', 'CertificateIssuer']],
  ['1.1', undefined, ['X_509CertificateIdentifier', 'X_509CertificateSubject', 'X_509CertificateIssuer']],
  ['1.1', undefined, ['CertificateLength', 'DigitalSignatureAlgorithm']],
  ['1.4', undefined, parts.flatMap((part) => [`CertificateSubject${part}`, `CertificateIssuer${part}`])],
];
const all = namesByVersion.flatMap(([, , names]) => names);
const known = (version: Version) =>
  namesByVersion.flatMap(([since, until, names]) => (isWithin(version, since, until) ? names : []));

/** Reads the attributes of a certificate in a version, without the indexes of 1.x. */
async function readAttributes(service: TestService, id: string, version: Version): Promise<Attribute[]> {
  const list = await attributesOf(service, id, version);
  return list
    .filter(({ name }) => all.includes(name))
    .map(({ name, value }) => ({ name, value }) as Attribute)
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

async function register(service: TestService, der: Uint8Array, version: Version = '2.1'): Promise<string> {
  const value = { CertificateType: 'X_509', CertificateValue: der } as const;
  const { UniqueIdentifier } = await succeed(service, version, Register, {
    ObjectType: 'Certificate',
    Attributes: having(),
    Object: { type: 'Certificate', value },
  });
  return UniqueIdentifier;
}

const several = (...pairs: [part: string, value: string][]): Attribute[] =>
  pairs.map(([part, value]) => ({ name: `CertificateSubject${part}`, value }) as Attribute);

/** Certificates issued and registered in every possible way. */
async function everyWay(service: TestService): Promise<Map<string, string>> {
  const unit = { OU: 'Röot unit' };
  const names = [...name('Subject', unit), ...name('Issuer', unit)];
  const root = await authority(service, 'Root', undefined, ...names);
  const pair = await keyPair(service);
  const certified = await succeed(service, '2.1', Certify, {
    UniqueIdentifier: pair.publicKey,
    Attributes: having(
      ...several(['CN', 'Käthe'], ['OU', 'One'], ['OU', 'Two'], ['DC', 'org'], ['DC', 'example']),
      ...several(
        ['C', 'CH'],
        ['Email', 'k@example.org'],
        ['SerialNumber', '7'],
        ['UID', 'u7'],
        ['L', 'Bern 🔑'],
      ),
      linkTo(root.certificate),
    ),
  });
  const named = await succeed(service, '1.4', Certify, {
    UniqueIdentifier: (await keyPair(service)).publicKey,
    Attributes: having(
      attribute('CertificateSubject', {
        CertificateSubjectDistinguishedName: 'CN=a\\, b,O=Acme',
        CertificateSubjectAlternativeName: ['2001:db8::7', 'https://x/', 'a@b', 'kms.example', '192.0.2.7'],
      }),
      linkTo(root.certificate),
    ),
  });
  const { der } = await requestOf({
    subject: '',
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'kms.example' }])],
  });
  const nameless = await succeed(service, '2.0', Certify, carrying('2.0', der));
  const again = await succeed(service, '2.1', ReCertify, { UniqueIdentifier: certified.UniqueIdentifier });
  return new Map([
    ['registered', await register(service, richCertificate)],
    ['registered in 1.0', await register(service, richCertificate, '1.0')],
    ['certified', certified.UniqueIdentifier],
    ['certified with alternative names', named.UniqueIdentifier],
    ['without a subject', nameless.UniqueIdentifier],
    ['re-certified', again.UniqueIdentifier],
    ['signed by its own key', root.certificate],
  ]);
}

t.test(
  'certificate attributes use the names of each version, whether the certificate was issued or registered',
  async (t) => {
    const service = await opened(t);
    for (const [way, id] of await everyWay(service)) {
      const der = await certificateOf(service, id);
      const copy = await register(service, der);
      const whole = await readAttributes(service, id, '1.4');
      t.equal(whole.length > 10, true, way);
      for (const version of versions) {
        const own = await readAttributes(service, id, version);
        const expected = whole.filter(({ name }) => known(version).includes(name));
        t.same(own, expected, `${way}: ${version}`);
        t.same(await readAttributes(service, copy, version), own, `${way}: registered again, ${version}`);
      }
    }
  },
);

t.test('certificate attributes hold the values of the certificate', async (t) => {
  const service = await opened(t);
  for (const [way, id] of await everyWay(service)) {
    const der = await certificateOf(service, id);
    const certificate = new X509Certificate(der);
    const list = await readAttributes(service, id, '1.4');
    const values = (name: string) => list.filter((each) => each.name === name).map(({ value }) => value);
    const [identifier] = values('CertificateIdentifier') as { Issuer: string; SerialNumber: string }[];
    t.equal(identifier?.SerialNumber.toUpperCase(), certificate.serialNumber, `${way}: serial number`);
    t.same(values('CertificateLength'), [der.length], way);
    for (const whose of ['Subject', 'Issuer'] as const) {
      const lines = (whose === 'Subject' ? certificate.subject : certificate.issuer)?.split('\n') ?? [];
      const told = new Map<string, string[]>();
      for (const line of lines) {
        const [, key = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
        const part =
          { serialNumber: 'SerialNumber', emailAddress: 'Email', title: 'Title', dnQualifier: 'DNQualifier' }[
            key
          ] ?? key;
        // OpenSSL escapes as RFC 4514 does, but not quotation marks.
        told.set(part, [...(told.get(part) ?? []), value.replace(/\\(.)/g, '$1')]);
      }
      for (const part of parts)
        t.same(values(`Certificate${whose}${part}`), told.get(part) ?? [], `${way}: ${whose}${part}`);
    }
    const [subject] = values('CertificateSubject') as { CertificateSubjectAlternativeName: string[] }[];
    const alternatives = certificate.subjectAltName?.split(', ').length ?? 0;
    t.equal(subject?.CertificateSubjectAlternativeName.length, alternatives, `${way}: alternative names`);
  }
});

t.test('Locate finds a certificate by each of its attributes', async (t) => {
  const service = await opened(t);
  const ways = await everyWay(service);
  for (const way of [
    'registered',
    'certified',
    'certified with alternative names',
    'without a subject',
  ] as const) {
    const id = ways.get(way) as string;
    for (const version of ['1.0', '1.4', '2.1'] as const) {
      for (const each of await readAttributes(service, id, version)) {
        const Attributes = [each];
        const { UniqueIdentifier: found } = await succeed(service, version, Locate, { Attributes });
        t.ok(found.includes(id), `${way}: ${version} ${each.name}`);
      }
    }
  }
});

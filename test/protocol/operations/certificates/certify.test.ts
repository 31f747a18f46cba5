import { X509Certificate } from 'node:crypto';
import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import type { Attribute } from '../../../../codec/attribute.ts';
import { eraOf } from '../../../../codec/version.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { AddAttribute } from '../../../../src/operations/attributes/add-attribute.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { integer } from '../../../client.ts';
import { uid } from '../../service.ts';
import { ask, attributeOf, having, named, outcome, succeed, testedVersions } from '../ask.ts';
import {
  attribute,
  authority,
  carrying,
  certificateOf,
  certified,
  day,
  extracted,
  keyPair,
  links,
  name,
  opened,
  p256,
  readX509,
  requestOf,
  year,
} from './authority.ts';

t.test('Certify issues a certificate for a stored public key in every version', async (t) => {
  const service = await opened(t);
  const now = service.now / 1000;
  const root = await authority(service);
  for (const version of testedVersions) {
    const pair = await keyPair(service);
    const text = attribute('CertificateSubject', {
      CertificateSubjectDistinguishedName: `CN=app ${version}\\, one,O=Acme,C=DE`,
      CertificateSubjectAlternativeName: [
        'app.example.com',
        '10.0.0.1',
        'a@example.com',
        'https://example.com/x',
      ],
    });
    const stated =
      eraOf(version) === '1.x' ? [text] : name('Subject', { CN: `app ${version}, one`, C: 'DE', O: 'Acme' });
    const { fields, payload } = await ask(service, version, Certify, {
      UniqueIdentifier: pair.publicKey,
      Attributes: having(...stated, named(`certificate ${version}`)),
    });
    t.equal(fields, 'UniqueIdentifier', version);
    const { UniqueIdentifier: id } = payload;
    const der = await certificateOf(service, id);
    const certificate = readX509(der);
    t.equal(certificate.subject, `C=DE, O=Acme, CN=app ${version}\\, one`);
    t.equal(certificate.issuer, 'O=Test, CN=Root');
    if (eraOf(version) === '1.x') {
      t.equal(
        new X509Certificate(der).subjectAltName,
        'DNS:app.example.com, IP Address:10.0.0.1, email:a@example.com, URI:https://example.com/x',
      );
    }
    t.equal(certificate.serialNumber.length, 32, '16 octets');
    t.ok(new X509Certificate(der).verify(new X509Certificate(root.der).publicKey), 'signed by the authority');
    t.match(certificate.getExtension(x509.BasicConstraintsExtension), { ca: false, critical: true });
    t.equal(
      certificate.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId,
      readX509(root.der).getExtension(x509.SubjectKeyIdentifierExtension)?.keyId,
    );
    t.equal(await attributeOf(service, id, 'State'), 'Active');
    t.equal(await attributeOf(service, id, 'ActivationDate'), now);
    t.equal(
      await attributeOf(service, id, 'DeactivationDate'),
      now + year,
      'a year, which the issuer has too',
    );
    t.equal(await attributeOf(service, id, 'ObjectType'), 'Certificate');
    t.equal(await attributeOf(service, id, 'CertificateType'), 'X_509');
    t.equal(await attributeOf(service, id, 'CertificateSubjectCN'), `app ${version}, one`);
    t.equal(await attributeOf(service, id, 'DigitalSignatureAlgorithm'), 'ECDSAWithSHA256');
    t.match(await attributeOf(service, id, 'Name'), { NameValue: `certificate ${version}` });
    t.same(await links(service, id), { CertificateLink: root.certificate, PublicKeyLink: pair.publicKey });
    t.same(await links(service, pair.publicKey), { CertificateLink: id, PrivateKeyLink: pair.privateKey });
  }
});

t.test('Certify issues a certificate for a certificate request in every version and form', async (t) => {
  const service = await opened(t);
  await authority(service);
  const extensions = [
    new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'c.example.com' }]),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyAgreement | x509.KeyUsageFlags.keyCertSign),
    new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.9', '2.5.29.37.0']),
    new x509.CertificatePolicyExtension(['1.2.3.4']),
  ];
  const { der, pem } = await requestOf({ subject: 'O=Client, CN=from the request', extensions });
  for (const version of testedVersions) {
    for (const [type, value] of [
      ['PKCS_10', der],
      ['PEM', pem],
    ] as const) {
      const { UniqueIdentifier: id } = await succeed(service, version, Certify, {
        ...carrying(version, value, type),
        Attributes: having(attribute('CertificateType', 'X_509')),
      });
      const certificate = readX509(await certificateOf(service, id));
      t.equal(certificate.subject, 'O=Client, CN=from the request', version);
      t.match(
        certificate.getExtension(x509.SubjectAlternativeNameExtension)?.toString('text'),
        /c\.example\.com/,
      );
      t.equal(certificate.getExtension(x509.KeyUsagesExtension)?.usages, x509.KeyUsageFlags.keyAgreement);
      t.same(certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages, ['1.3.6.1.5.5.7.3.2']);
      t.equal(
        certificate.getExtension('2.5.29.32'),
        null,
        'nothing but what the server knows the meaning of',
      );
      t.equal((await links(service, id)).PublicKeyLink, undefined, 'its key is not here');
    }
  }
});

t.test('Certify prefers the certificate request when attributes differ', async (t) => {
  const service = await opened(t);
  await authority(service);
  const { der } = await requestOf();
  const { UniqueIdentifier: id } = await succeed(service, '2.1', Certify, {
    ...carrying('2.1', der),
    Attributes: having(...name('Subject', { CN: 'somebody else' })),
  });
  t.equal(await attributeOf(service, id, 'CertificateSubjectCN'), 'client');
});

t.test(
  'Certify issues a certificate for a stored certificate request and links its public key',
  async (t) => {
    const service = await opened(t);
    await authority(service);
    const pair = await keyPair(service);
    const keys = await extracted(service, pair);
    const { der } = await requestOf({ keys });
    const registered = async (...attributes: Attribute[]) =>
      (
        await succeed(service, '2.1', Register, {
          ObjectType: 'CertificateRequest',
          Attributes: having(...attributes),
          Object: {
            type: 'CertificateRequest',
            value: { CertificateRequestType: 'PKCS_10', CertificateRequestValue: der },
          },
        })
      ).UniqueIdentifier;
    const plain = await registered();
    const { UniqueIdentifier: first } = await succeed(service, '2.1', Certify, { UniqueIdentifier: plain });
    t.equal((await links(service, first)).PublicKeyLink, undefined);
    const linked = await registered(
      attribute('Link', { LinkType: 'PublicKeyLink', LinkedObjectIdentifier: pair.publicKey }),
    );
    const { UniqueIdentifier: second } = await succeed(service, '2.0', Certify, { UniqueIdentifier: linked });
    t.equal((await links(service, second)).PublicKeyLink, pair.publicKey);
    t.equal((await links(service, pair.publicKey)).CertificateLink, second);

    t.equal(
      await outcome(service, '2.1', Certify, { UniqueIdentifier: pair.publicKey, ...carrying('2.1', der) }),
      'Success',
      'a public key beside its own request',
    );
    const { der: foreign } = await requestOf();
    t.equal(
      await outcome(service, '2.1', Certify, {
        UniqueIdentifier: pair.publicKey,
        ...carrying('2.1', foreign),
      }),
      'InvalidCSR',
      'a public key beside the request for another one',
    );
    t.equal(
      await outcome(service, '2.1', Certify, { UniqueIdentifier: plain, ...carrying('2.1', der) }),
      'InvalidMessage',
      'two requests',
    );
  },
);

t.test('Certify takes dates from the attributes, else one year, and never exceeds the issuer', async (t) => {
  const service = await opened(t);
  const now = service.now / 1000;
  const root = await authority(service, 'Root', p256, attribute('DeactivationDate', now + 100 * day));
  const dated = async (...attributes: Attribute[]) => {
    const { certificate, der } = await certified(service, root, 'dated', ...attributes);
    const details = await nodeCrypto.certification.readCertificate(der);
    t.equal(details.notBefore, await attributeOf(service, certificate, 'ActivationDate'));
    t.equal(details.notAfter, await attributeOf(service, certificate, 'DeactivationDate'));
    return [
      details.notBefore - now,
      details.notAfter - now,
      await attributeOf(service, certificate, 'State'),
    ];
  };
  const from = (days: number) => attribute('ActivationDate', now + days * day);
  const to = (days: number) => attribute('DeactivationDate', now + days * day);
  t.same(await dated(), [0, 100 * day, 'Active']);
  t.same(await dated(from(1)), [day, 100 * day, 'PreActive']);
  t.same(await dated(from(1), to(2)), [day, 2 * day, 'PreActive']);
  t.same(await dated(from(-2), to(2)), [-2 * day, 2 * day, 'Active']);
  const pair = await keyPair(service);
  const subject = name('Subject', { CN: 'x' });
  const requestFor = (...attributes: Attribute[]) => ({
    UniqueIdentifier: pair.publicKey,
    Attributes: having(...subject, ...attributes),
  });
  const modern = requestFor;
  for (const [what, ...attributes] of [
    ['later than the issuer', to(101)],
    ['over already', from(-3), to(-1)],
    ['over before it begins', from(9), to(8)],
    ['nothing a certificate can name', to(4_000_000)],
  ] as const) {
    t.equal(await outcome(service, '2.1', Certify, modern(...attributes)), 'InvalidField', what);
  }
  service.now += 101 * day * 1000;
  t.equal(await outcome(service, '2.1', Certify, requestFor()), 'ItemNotFound', 'the issuer is over');
});

t.test('Certify keeps the subject of the previous certificate when the request states none', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const first = await certified(service, root, 'the same');
  const { UniqueIdentifier: second } = await succeed(service, '1.0', Certify, {
    UniqueIdentifier: first.publicKey,
  });
  t.equal(await attributeOf(service, second, 'CertificateSubjectCN'), 'the same');
  t.equal((await links(service, first.publicKey)).CertificateLink, second);
});

t.test('Certify accepts the ID Placeholder and references in a batch', async (t) => {
  const service = await opened(t);
  const leaf = await certified(service, await authority(service), 'leaf');
  const answers = await service.batch('2.1', [
    { operation: 'Get', payload: [uid(leaf.publicKey)] },
    { operation: 'Certify' },
    { operation: 'Get' },
    { operation: 'Certify', payload: [integer('UniqueIdentifier', 0)] },
  ]);
  t.same(
    answers.map(({ reason, status }) => reason ?? status),
    ['Success', 'Success', 'Success', 'Success'],
  );
  t.equal(answers[1]?.id, answers[2]?.id, 'the certificate is the ID Placeholder');
  t.equal(await outcome(service, '2.1', Certify, {}), 'ObjectNotFound', 'an empty one names nothing');
});

t.test('Certify counts against the Usage Limits of the issuing key', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  await succeed(service, '2.1', AddAttribute, {
    UniqueIdentifier: root.privateKey,
    NewAttribute: attribute('UsageLimits', { UsageLimitsTotal: 2n, UsageLimitsUnit: 'Object' }),
  });
  const { der } = await requestOf();
  t.equal(await outcome(service, '2.1', Certify, carrying('2.1', der)), 'Success');
  t.equal(await outcome(service, '1.4', Certify, carrying('1.4', der)), 'Success');
  t.equal(await outcome(service, '2.1', Certify, carrying('2.1', der)), 'PermissionDenied');
});

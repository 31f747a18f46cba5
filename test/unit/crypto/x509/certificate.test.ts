import t from 'tap';
import type { StandardAttribute } from '../../../../codec/attribute.ts';
import type { AttributeName } from '../../../../codec/attribute-table.ts';
import { InvalidCertificateError } from '../../../../src/crypto/errors.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import {
  bytes,
  largeCertificate,
  richCertificate,
  rsa2048PublicPkcs1,
  smallCertificate,
} from '../node/vectors.ts';

const { describeCertificate } = nodeCrypto;

/** Values by attribute; several in an array. */
function values(attributes: readonly StandardAttribute[]): Partial<Record<AttributeName, unknown>> {
  const found: Partial<Record<AttributeName, unknown>> = {};
  for (const { name, value } of attributes) {
    const earlier = found[name];
    found[name] = earlier === undefined ? value : [earlier, value].flat();
  }
  return found;
}

t.test('a certificate yields every attribute of TC-CERTATTR-1', async (t) => {
  const issuer = bytes(
    '3031310b300906035504061302415531123010060355040a13094b6d69702054657374310e300c06035504031305496e746572',
  );
  t.strictSame(
    values(describeCertificate({ CertificateType: 'X_509', CertificateValue: smallCertificate })),
    {
      CertificateType: 'X_509',
      CertificateLength: 557,
      X_509CertificateIdentifier: {
        IssuerDistinguishedName: issuer,
        CertificateSerialNumber: bytes('02083132333435363738'),
      },
      X_509CertificateSubject: {
        SubjectDistinguishedName: bytes(
          '302e310b300906035504061302415531123010060355040a13094b6d69702054657374310b3009060355040313024545',
        ),
        SubjectAlternativeName: [],
      },
      X_509CertificateIssuer: { IssuerDistinguishedName: issuer, IssuerAlternativeName: [] },
      CertificateIdentifier: { Issuer: 'CN=Inter,O=Kmip Test,C=AU', SerialNumber: '3132333435363738' },
      CertificateSubject: {
        CertificateSubjectDistinguishedName: 'CN=EE,O=Kmip Test,C=AU',
        CertificateSubjectAlternativeName: [],
      },
      CertificateIssuer: {
        CertificateIssuerDistinguishedName: 'CN=Inter,O=Kmip Test,C=AU',
        CertificateIssuerAlternativeName: [],
      },
      CertificateSubjectC: 'AU',
      CertificateSubjectO: 'Kmip Test',
      CertificateSubjectCN: 'EE',
      CertificateIssuerC: 'AU',
      CertificateIssuerO: 'Kmip Test',
      CertificateIssuerCN: 'Inter',
      CryptographicAlgorithm: 'RSA',
      CryptographicLength: 1024,
      DigitalSignatureAlgorithm: 'SHA_256WithRSAEncryption',
    },
  );
});

t.test('a certificate yields the attributes of BL-M-10', async (t) => {
  const found = values(describeCertificate({ CertificateType: 'X_509', CertificateValue: largeCertificate }));
  t.match(found, {
    CertificateLength: 1043,
    CertificateSubjectCN: 'CN',
    CertificateSubjectOU: 'OU',
    CertificateSubjectST: 'SP',
    CertificateSubjectL: 'L',
    CertificateSubjectEmail: 'Email',
    CertificateIdentifier: { SerialNumber: 'e31cb99f91cb07ed' },
  });
});

t.test('a certificate with every name part and alternative names yields an attribute for each', async (t) => {
  const found = values(describeCertificate({ CertificateType: 'X_509', CertificateValue: richCertificate }));
  const subject =
    'emailAddress=ops@example.org,UID=u7,DC=example,DC=org,dnQualifier=q1,title=Keeper,serialNumber=SN 1,' +
    'CN=Käthe \\"K\\"\\, #1,OU=Two,OU=One,O=Ex\\+ample,L=Bern,ST=BE,C=CH';
  t.match(found, {
    CertificateSubjectCN: 'Käthe "K", #1',
    CertificateSubjectOU: ['One', 'Two'],
    CertificateSubjectDC: ['org', 'example'],
    CertificateSubjectUID: 'u7',
    CertificateSubjectTitle: 'Keeper',
    CertificateSubjectSerialNumber: 'SN 1',
    CertificateSubjectDNQualifier: 'q1',
    CertificateSubjectEmail: 'ops@example.org',
    CryptographicAlgorithm: 'EC',
    CryptographicLength: 384,
    DigitalSignatureAlgorithm: 'ECDSAWithSHA384',
  });
  const { CertificateSubject, X_509CertificateSubject } = found as {
    CertificateSubject: {
      CertificateSubjectDistinguishedName: string;
      CertificateSubjectAlternativeName: string[];
    };
    X_509CertificateSubject: { SubjectAlternativeName: Uint8Array[] };
  };
  t.equal(CertificateSubject.CertificateSubjectDistinguishedName, subject);
  t.strictSame(CertificateSubject.CertificateSubjectAlternativeName, [
    'kms.example.org',
    'ops@example.org',
    'https://kms.example.org/',
    '192.0.2.7',
    '2001:db8::7',
    'CN=Kms',
    '#88032a0304',
  ]);
  t.equal(X_509CertificateSubject.SubjectAlternativeName.length, 7);
  const [dnsName] = X_509CertificateSubject.SubjectAlternativeName;
  t.equal(
    Buffer.from(dnsName ?? []).toString('latin1'),
    '\x82\x0fkms.example.org',
    'each as a GeneralName in DER',
  );
});

t.test('a PGP certificate stays opaque', async (t) => {
  t.strictSame(
    values(describeCertificate({ CertificateType: 'PGP', CertificateValue: Uint8Array.of(1, 2, 3) })),
    {
      CertificateType: 'PGP',
      CertificateLength: 3,
    },
  );
});

t.test('bytes that are no certificate are refused', async (t) => {
  const wrong: [string, Uint8Array][] = [
    ['nothing', new Uint8Array(0)],
    ['text', new TextEncoder().encode('-----BEGIN CERTIFICATE-----')],
    ['a public key', rsa2048PublicPkcs1],
    ['the first half', smallCertificate.slice(0, 280)],
    ['bytes behind', Uint8Array.of(...smallCertificate, 0)],
  ];
  for (const [name, CertificateValue] of wrong) {
    t.throws(
      () => describeCertificate({ CertificateType: 'X_509', CertificateValue }),
      InvalidCertificateError,
      name,
    );
  }
});

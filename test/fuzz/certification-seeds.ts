import type { Attribute } from '../../codec/attribute.ts';
import { standIn } from './objects.ts';
import { none, type Seed, template } from './values.ts';

/**
 * `openssl req -new -subj /O=Test/CN=fuzz` with an alternative name and an extended key usage; its key was
 * deleted.
 */
const base64 =
  'MIIBHTCBwwIBADAeMQ0wCwYDVQQKDARUZXN0MQ0wCwYDVQQDDARmdXp6MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9E2/t/6r' +
  'ArHU31u/PxntlxaGEWVGyPRy3RI4ydHhqpiQPIrSpnC3j7WRGLZ5sQa1zfWjhX9yDD4DyZb3QXikYqBDMEEGCSqGSIb3DQEJDjE0' +
  'MDIwGwYDVR0RBBQwEoIQZnV6ei5leGFtcGxlLmNvbTATBgNVHSUEDDAKBggrBgEFBQcDAjAKBggqhkjOPQQDAgNJADBGAiEA6gh2' +
  'FthJa9diqYJJpQr78Pf4bGVewNuLD57UipskMK0CIQDIsoK3C5GNdLjsCqPasHC42A26ITyPKceBBH3IOA9q/g==';
const der = Uint8Array.fromBase64(base64);
const pem = new TextEncoder().encode(
  `-----BEGIN CERTIFICATE REQUEST-----\n${base64}\n-----END CERTIFICATE REQUEST-----\n`,
);

const subject: Attribute = {
  name: 'CertificateSubject',
  value: {
    CertificateSubjectDistinguishedName: 'CN=fuzz,O=Test',
    CertificateSubjectAlternativeName: ['a.b'],
  },
};
const subjectCN = { name: 'CertificateSubjectCN', value: 'fuzz' } as const;
const issuerCN = { name: 'CertificateIssuerCN', value: 'fuzz' } as const;
const link: Attribute = {
  name: 'Link',
  value: { LinkType: 'CertificateLink', LinkedObjectIdentifier: standIn('certificate') },
};

/** The certificate request under the tag of either family: each version writes the one that it has. */
const carrying = (type: string, value: Uint8Array, more: Record<string, unknown> = {}) => ({
  CertificateRequestType: type,
  CertificateRequest: value,
  CertificateRequestValue: value,
  Attributes: none,
  ...more,
});

/** Certify, Re-certify, Validate and Re-Provision; `certificate` is the DER of one. */
export const certificationSeeds = (certificate: Uint8Array): readonly Seed[] => {
  const inline = { CertificateType: 'X_509', CertificateValue: certificate };
  return [
    { operation: 'Certify', request: carrying('PKCS_10', der) },
    { operation: 'Certify', request: carrying('PEM', pem, { Attributes: template(link) }) },
    { operation: 'Certify', request: carrying('CRMF', der) },
    ...['public key', 'EC public key'].map((kind) => ({
      operation: 'Certify',
      request: { UniqueIdentifier: standIn(kind as 'public key'), Attributes: template(subject) },
    })),
    {
      operation: 'Certify',
      request: {
        UniqueIdentifier: standIn('EC public key'),
        Attributes: template(subjectCN, issuerCN, { name: 'CryptographicUsageMask', value: 0x1000 }),
      },
    },
    {
      operation: 'ReCertify',
      request: { UniqueIdentifier: standIn('certificate'), Offset: 60, Attributes: none },
    },
    {
      operation: 'ReCertify',
      request: carrying('PKCS_10', der, { UniqueIdentifier: standIn('certificate') }),
    },
    { operation: 'Validate', request: { Certificate: [inline], UniqueIdentifier: [] } },
    {
      operation: 'Validate',
      request: {
        Certificate: [inline, inline],
        UniqueIdentifier: [standIn('certificate')],
        ValidityDate: 1_900_000_000,
      },
    },
    { operation: 'ReProvision', request: {} },
    { operation: 'ReProvision', request: { Certificate: inline } },
    ...[
      ['PKCS_10', der],
      ['PEM', pem],
    ].map(([CertificateRequestType, CertificateRequestValue]) => ({
      operation: 'ReProvision',
      request: { CertificateRequest: { CertificateRequestType, CertificateRequestValue } },
    })),
  ];
};

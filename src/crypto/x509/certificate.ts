import type { StandardAttribute } from '../../../codec/attribute.ts';
import type { AttributeName, AttributeValue } from '../../../codec/attribute-table.ts';
import type { DigitalSignatureAlgorithm } from '../../../codec/enums.ts';
import type { Certificate } from '../../../codec/structures/managed-objects.ts';
import {
  type DerNode,
  derOf,
  findTagged,
  InvalidDerError,
  parseCertificate,
  parseDer,
  readExplicit,
  readIntegerContent,
  readOctets,
  readOid,
  readSequence,
} from '../asn1/der.ts';
import { formatName, type NamePart, readNameParts } from '../asn1/distinguished-name.ts';
import { formatGeneralName } from '../asn1/general-name.ts';
import { requireStrictDer } from '../asn1/strict-der.ts';
import { InvalidCertificateError, InvalidKeyMaterialError } from '../errors.ts';
import { describeKey } from '../keys/key-description.ts';

/* X.509 certificates (RFC 5280) as attributes of KMIP (2.1 §4.6–4.10, 4.62–4.64; 1.4 §3.8–3.16). */

/** Second halves of `CertificateSubject…` and `CertificateIssuer…`, by the object identifier of the part. */
const partNames = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['1.2.840.113549.1.9.1', 'Email'],
  ['2.5.4.6', 'C'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.7', 'L'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['2.5.4.5', 'SerialNumber'],
  ['2.5.4.12', 'Title'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  ['2.5.4.46', 'DNQualifier'],
] as const);

/** RFC 3279, 4055, 5758, 8702; FIPS 202 with RSA from NIST's register. */
const signatureAlgorithms = new Map<string, DigitalSignatureAlgorithm>([
  ['1.2.840.113549.1.1.2', 'MD2WithRSAEncryption'],
  ['1.2.840.113549.1.1.4', 'MD5WithRSAEncryption'],
  ['1.2.840.113549.1.1.5', 'SHA_1WithRSAEncryption'],
  ['1.2.840.113549.1.1.14', 'SHA_224WithRSAEncryption'],
  ['1.2.840.113549.1.1.11', 'SHA_256WithRSAEncryption'],
  ['1.2.840.113549.1.1.12', 'SHA_384WithRSAEncryption'],
  ['1.2.840.113549.1.1.13', 'SHA_512WithRSAEncryption'],
  ['1.2.840.113549.1.1.10', 'RSASSA_PSS'],
  ['1.2.840.10040.4.3', 'DSAWithSHA_1'],
  ['2.16.840.1.101.3.4.3.1', 'DSAWithSHA224'],
  ['2.16.840.1.101.3.4.3.2', 'DSAWithSHA256'],
  ['1.2.840.10045.4.1', 'ECDSAWithSHA_1'],
  ['1.2.840.10045.4.3.1', 'ECDSAWithSHA224'],
  ['1.2.840.10045.4.3.2', 'ECDSAWithSHA256'],
  ['1.2.840.10045.4.3.3', 'ECDSAWithSHA384'],
  ['1.2.840.10045.4.3.4', 'ECDSAWithSHA512'],
  ['2.16.840.1.101.3.4.3.14', 'SHA3_256WithRSAEncryption'],
  ['2.16.840.1.101.3.4.3.15', 'SHA3_384WithRSAEncryption'],
  ['2.16.840.1.101.3.4.3.16', 'SHA3_512WithRSAEncryption'],
]);

const subjectAlternativeName = '2.5.29.17';
const issuerAlternativeName = '2.5.29.18';

/**
 * Reads the attributes that a certificate decides; of a PGP certificate type and length only.
 * @throws {InvalidCertificateError} when an X.509 certificate cannot be read
 */
export function describeCertificate(certificate: Certificate): readonly StandardAttribute[] {
  const { CertificateType, CertificateValue } = certificate;
  const common = [
    createAttribute('CertificateType', CertificateType),
    createAttribute('CertificateLength', CertificateValue.length),
  ];
  if (CertificateType !== 'X_509') return common;
  try {
    requireStrictDer(CertificateValue);
    const parts = readFields(CertificateValue);
    return [
      ...common,
      ...buildNameAttributes(parts),
      ...buildNamePartAttributes(parts),
      ...buildAlgorithmAttributes(parts),
    ];
  } catch (error) {
    if (error instanceof InvalidDerError || error instanceof InvalidKeyMaterialError) {
      throw new InvalidCertificateError(`the certificate is not X.509 in DER: ${error.message}`);
    }
    throw error;
  }
}

/**
 * Returns the SubjectPublicKeyInfo of a certificate. A view.
 * @throws {InvalidDerError} when the certificate cannot be read
 */
export function readPublicKeyInfo(certificate: Uint8Array): Uint8Array {
  return derOf(readFields(certificate).publicKey);
}

interface CertificateFields {
  readonly serial: DerNode;
  readonly issuer: DerNode;
  readonly subject: DerNode;
  readonly publicKey: DerNode;
  readonly signatureAlgorithm: string;
  readonly subjectAlternatives: readonly DerNode[];
  readonly issuerAlternatives: readonly DerNode[];
}

/** RFC 5280 §4.1. Dates and signature are not checked: storing a certificate does not mean trusting it. */
function readFields(der: Uint8Array): CertificateFields {
  const outer = readSequence(parseCertificate(der));
  if (outer.length !== 3) throw new InvalidDerError('a certificate has three parts');
  const fields = readSequence(outer[0]);
  const [serial, , issuer, , subject, publicKey] = findTagged(fields.slice(0, 1), 0)
    ? fields.slice(1)
    : fields;
  if (!serial || !issuer || !subject || !publicKey) throw new InvalidDerError('fields are missing');
  const extensionsField = findTagged(fields, 3);
  const extensions = extensionsField === undefined ? [] : readSequence(readExplicit(extensionsField));
  return {
    serial,
    issuer,
    subject,
    publicKey,
    signatureAlgorithm: readOid(readSequence(outer[1])[0]),
    subjectAlternatives: findGeneralNames(extensions, subjectAlternativeName),
    issuerAlternatives: findGeneralNames(extensions, issuerAlternativeName),
  };
}

function findGeneralNames(extensions: readonly DerNode[], identifier: string): readonly DerNode[] {
  for (const extension of extensions) {
    const parts = readSequence(extension);
    if (readOid(parts[0]) === identifier) return readSequence(parseDer(readOctets(parts.at(-1))));
  }
  return [];
}

function buildNameAttributes({
  serial,
  issuer,
  subject,
  subjectAlternatives,
  issuerAlternatives,
}: CertificateFields): StandardAttribute[] {
  const issuerText = formatName(readNameParts(issuer));
  const subjectParts = readNameParts(subject);
  const named = subjectParts.length > 0;
  return [
    createAttribute('X_509CertificateIdentifier', {
      IssuerDistinguishedName: copyDer(issuer),
      CertificateSerialNumber: copyDer(serial),
    }),
    createAttribute('X_509CertificateSubject', {
      ...(named ? { SubjectDistinguishedName: copyDer(subject) } : {}),
      SubjectAlternativeName: subjectAlternatives.map(copyDer),
    }),
    createAttribute('X_509CertificateIssuer', {
      IssuerDistinguishedName: copyDer(issuer),
      IssuerAlternativeName: issuerAlternatives.map(copyDer),
    }),
    createAttribute('CertificateIdentifier', {
      Issuer: issuerText,
      SerialNumber: readIntegerContent(serial).toHex(),
    }),
    createAttribute('CertificateSubject', {
      ...(named ? { CertificateSubjectDistinguishedName: formatName(subjectParts) } : {}),
      CertificateSubjectAlternativeName: subjectAlternatives.map(formatGeneralName),
    }),
    createAttribute('CertificateIssuer', {
      CertificateIssuerDistinguishedName: issuerText,
      CertificateIssuerAlternativeName: issuerAlternatives.map(formatGeneralName),
    }),
  ];
}

function buildNamePartAttributes({ subject, issuer }: CertificateFields): StandardAttribute[] {
  return [
    ...buildPartAttributes('Subject', readNameParts(subject)),
    ...buildPartAttributes('Issuer', readNameParts(issuer)),
  ];
}

function buildPartAttributes(
  whose: 'Subject' | 'Issuer',
  name: readonly (readonly NamePart[])[],
): StandardAttribute[] {
  return name.flat().flatMap(({ oid: type, text }) => {
    const part = partNames.get(type as Parameters<typeof partNames.get>[0]);
    return part === undefined || text === undefined
      ? []
      : [createAttribute(`Certificate${whose}${part}`, text)];
  });
}

function buildAlgorithmAttributes({ publicKey, signatureAlgorithm }: CertificateFields): StandardAttribute[] {
  const key = describeKey({
    objectType: 'PublicKey',
    KeyFormatType: 'X_509',
    KeyMaterial: derOf(publicKey),
  });
  const signature = signatureAlgorithms.get(signatureAlgorithm);
  const list: StandardAttribute[] = [];
  if (key.CryptographicAlgorithm !== undefined) {
    list.push(createAttribute('CryptographicAlgorithm', key.CryptographicAlgorithm));
  }
  if (key.CryptographicLength !== undefined)
    list.push(createAttribute('CryptographicLength', key.CryptographicLength));
  if (signature !== undefined) list.push(createAttribute('DigitalSignatureAlgorithm', signature));
  return list;
}

function createAttribute<N extends AttributeName>(name: N, value: AttributeValue<N>): StandardAttribute {
  return { name, value } as StandardAttribute;
}

/** Copies the DER: a view would keep the whole message in memory. */
function copyDer(node: DerNode): Uint8Array {
  return new Uint8Array(derOf(node));
}

import type { StandardAttribute } from '../../../codec/attribute.ts';
import type { AttributeName, AttributeValue } from '../../../codec/attribute-table.ts';
import type { DigitalSignatureAlgorithm } from '../../../codec/enums.ts';
import type { Certificate } from '../../../codec/structures/managed-objects.ts';
import {
  encoded,
  explicit,
  InvalidDerError,
  integerContent,
  items,
  type Node,
  octets,
  oid,
  parse,
  tagged,
} from '../asn1/der.ts';
import { hex, type NamePart, nameParts, nameText } from '../asn1/distinguished-name.ts';
import { generalNameText } from '../asn1/general-name.ts';
import { InvalidCertificateError, InvalidKeyMaterialError } from '../errors.ts';
import { describeKey } from '../keys/key-description.ts';

/** X.509 certificates (RFC 5280) as attributes of KMIP (2.1 §4.6–4.10, 4.62–4.64; 1.4 §3.8–3.16). */

/** Attributes of one part of a name: the second half of `CertificateSubject…` and `CertificateIssuer…`. */
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

/** See CryptoProvider.describeCertificate. */
export function describeCertificate(certificate: Certificate): readonly StandardAttribute[] {
  const { CertificateType, CertificateValue } = certificate;
  const common = [
    attribute('CertificateType', CertificateType),
    attribute('CertificateLength', CertificateValue.length),
  ];
  if (CertificateType !== 'X_509') return common;
  try {
    const parts = read(CertificateValue);
    return [...common, ...names(parts), ...namePartAttributes(parts), ...algorithms(parts)];
  } catch (error) {
    if (error instanceof InvalidDerError || error instanceof InvalidKeyMaterialError) {
      throw new InvalidCertificateError(`the certificate is not X.509 in DER: ${error.message}`);
    }
    throw error;
  }
}

interface Parts {
  readonly serial: Node;
  readonly issuer: Node;
  readonly subject: Node;
  readonly publicKey: Node;
  readonly signatureAlgorithm: string;
  readonly subjectAlternatives: readonly Node[];
  readonly issuerAlternatives: readonly Node[];
}

/** RFC 5280 §4.1; what a server stores is not what it trusts, so neither dates nor signature are looked at. */
function read(der: Uint8Array): Parts {
  const outer = items(parse(der));
  if (outer.length !== 3) throw new InvalidDerError('a certificate has three parts');
  const fields = items(outer[0]);
  const [serial, , issuer, , subject, publicKey] = tagged(fields.slice(0, 1), 0) ? fields.slice(1) : fields;
  if (!serial || !issuer || !subject || !publicKey) throw new InvalidDerError('fields are missing');
  const extensionsField = tagged(fields, 3);
  const extensions = extensionsField === undefined ? [] : items(explicit(extensionsField));
  return {
    serial,
    issuer,
    subject,
    publicKey,
    signatureAlgorithm: oid(items(outer[1])[0]),
    subjectAlternatives: generalNames(extensions, subjectAlternativeName),
    issuerAlternatives: generalNames(extensions, issuerAlternativeName),
  };
}

function generalNames(extensions: readonly Node[], identifier: string): readonly Node[] {
  for (const extension of extensions) {
    const parts = items(extension);
    if (oid(parts[0]) === identifier) return items(parse(octets(parts.at(-1))));
  }
  return [];
}

function names({
  serial,
  issuer,
  subject,
  subjectAlternatives,
  issuerAlternatives,
}: Parts): StandardAttribute[] {
  const issuerText = nameText(nameParts(issuer));
  const subjectParts = nameParts(subject);
  const named = subjectParts.length > 0;
  return [
    attribute('X_509CertificateIdentifier', {
      IssuerDistinguishedName: copy(issuer),
      CertificateSerialNumber: copy(serial),
    }),
    attribute('X_509CertificateSubject', {
      ...(named ? { SubjectDistinguishedName: copy(subject) } : {}),
      SubjectAlternativeName: subjectAlternatives.map(copy),
    }),
    attribute('X_509CertificateIssuer', {
      IssuerDistinguishedName: copy(issuer),
      IssuerAlternativeName: issuerAlternatives.map(copy),
    }),
    attribute('CertificateIdentifier', { Issuer: issuerText, SerialNumber: hex(integerContent(serial)) }),
    attribute('CertificateSubject', {
      ...(named ? { CertificateSubjectDistinguishedName: nameText(subjectParts) } : {}),
      CertificateSubjectAlternativeName: subjectAlternatives.map(generalNameText),
    }),
    attribute('CertificateIssuer', {
      CertificateIssuerDistinguishedName: issuerText,
      CertificateIssuerAlternativeName: issuerAlternatives.map(generalNameText),
    }),
  ];
}

function namePartAttributes({ subject, issuer }: Parts): StandardAttribute[] {
  return [...partsOf('Subject', nameParts(subject)), ...partsOf('Issuer', nameParts(issuer))];
}

function partsOf(whose: 'Subject' | 'Issuer', name: readonly (readonly NamePart[])[]): StandardAttribute[] {
  return name.flat().flatMap(({ oid: type, text }) => {
    const part = partNames.get(type as Parameters<typeof partNames.get>[0]);
    return part === undefined || text === undefined ? [] : [attribute(`Certificate${whose}${part}`, text)];
  });
}

function algorithms({ publicKey, signatureAlgorithm }: Parts): StandardAttribute[] {
  const key = describeKey({
    objectType: 'PublicKey',
    KeyFormatType: 'X_509',
    KeyMaterial: encoded(publicKey),
  });
  const signature = signatureAlgorithms.get(signatureAlgorithm);
  const list: StandardAttribute[] = [];
  if (key.CryptographicAlgorithm !== undefined) {
    list.push(attribute('CryptographicAlgorithm', key.CryptographicAlgorithm));
  }
  if (key.CryptographicLength !== undefined)
    list.push(attribute('CryptographicLength', key.CryptographicLength));
  if (signature !== undefined) list.push(attribute('DigitalSignatureAlgorithm', signature));
  return list;
}

function attribute<N extends AttributeName>(name: N, value: AttributeValue<N>): StandardAttribute {
  return { name, value } as StandardAttribute;
}

/** DER in memory of its own: a view would keep the whole message alive. */
function copy(node: Node): Uint8Array {
  return new Uint8Array(encoded(node));
}

import type { Attribute } from '../../../codec/attribute.ts';
import type { CertificateRequestType } from '../../../codec/enums.ts';
import { CryptographicUsageMask } from '../../../codec/masks.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import {
  type CertificateContent,
  type NamePartType,
  namePartTypes,
  type StatedName,
} from '../../crypto/certification.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import { ruleOf } from '../../object/attributes.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { certificateIn } from '../key-pairs.ts';
import { valueOf } from '../new-object.ts';
import { isSameKey } from '../record-identifiers.ts';

/** The certificate template of Certify and Re-certify: its attributes and its certificate request. */

/** True for attributes derived from the issued certificate; in a request they are template values only. */
export function isDerivedFromCertificate(attribute: Attribute): boolean {
  const { source, types } = ruleOf(attribute);
  return source === 'derived' && (types?.includes('Certificate') ?? false);
}

/**
 * Reads the name of subject or issuer from attributes, in any of their three forms; undefined when they state
 * none.
 */
export function statedName(
  attributes: readonly Attribute[],
  whose: 'Subject' | 'Issuer',
): StatedName | undefined {
  const der =
    whose === 'Subject'
      ? valueOf(attributes, 'X_509CertificateSubject')?.SubjectDistinguishedName
      : valueOf(attributes, 'X_509CertificateIssuer')?.IssuerDistinguishedName;
  if (der !== undefined) return { der };
  const prefix = `Certificate${whose}`;
  const parts = attributes
    .filter(({ name, vendor }) => vendor === undefined && name.startsWith(prefix))
    .map(({ name, value }) => [name.slice(prefix.length) as NamePartType, value as string] as const)
    .filter(([type]) => namePartTypes.includes(type));
  if (parts.length > 0) return { parts };
  const text =
    whose === 'Subject'
      ? valueOf(attributes, 'CertificateSubject')?.CertificateSubjectDistinguishedName
      : valueOf(attributes, 'CertificateIssuer')?.CertificateIssuerDistinguishedName;
  return text === undefined ? undefined : { text };
}

async function encodeAlternativeNames(
  attributes: readonly Attribute[],
  crypto: CryptoProvider,
): Promise<readonly Uint8Array[]> {
  const encoded = valueOf(attributes, 'X_509CertificateSubject')?.SubjectAlternativeName ?? [];
  if (encoded.length > 0) return encoded;
  const texts = valueOf(attributes, 'CertificateSubject')?.CertificateSubjectAlternativeName ?? [];
  return Promise.all(texts.map((text) => crypto.certification.encodeAlternativeName(text)));
}

/**
 * Key usages of X.509 (RFC 5280 §4.2.1.3) for the bits of Cryptographic Usage Mask (KMIP 2.1 §11.15, 1.4
 * §3.19).
 */
const keyUsages = [
  [CryptographicUsageMask.bit('Sign') | CryptographicUsageMask.bit('Verify'), 1],
  [CryptographicUsageMask.bit('ContentCommitment'), 2],
  [CryptographicUsageMask.bit('WrapKey') | CryptographicUsageMask.bit('UnwrapKey'), 4],
  [CryptographicUsageMask.bit('Encrypt') | CryptographicUsageMask.bit('Decrypt'), 8],
  [CryptographicUsageMask.bit('KeyAgreement'), 16],
  [CryptographicUsageMask.bit('CertificateSign'), 32],
  [CryptographicUsageMask.bit('CRLSign'), 64],
] as const;

function keyUsageOf(mask: number): number {
  return keyUsages.reduce((usage, [bits, usageBit]) => ((mask & bits) === 0 ? usage : usage | usageBit), 0);
}

/** Whether the attributes request a certificate that may issue others. */
function requestsAuthority(attributes: readonly Attribute[]): boolean {
  const mask = valueOf(attributes, 'CryptographicUsageMask') ?? 0;
  return (mask & CryptographicUsageMask.bit('CertificateSign')) !== 0;
}

/**
 * Determines the content of a certificate for a public key (SubjectPublicKeyInfo) from the attributes of the
 * request, and from `previous`, the certificate of the key, for values that they leave open.
 * @throws {KmipError} InvalidField when neither names the subject
 */
export async function contentFromAttributes(
  publicKey: Uint8Array,
  attributes: readonly Attribute[],
  previous: Partial<CertificateContent> | undefined,
  crypto: CryptoProvider,
): Promise<CertificateContent> {
  const name = statedName(attributes, 'Subject');
  const alternatives = await encodeAlternativeNames(attributes, crypto);
  const subject = name === undefined ? previous?.subject : await crypto.certification.encodeName(name);
  const mask = valueOf(attributes, 'CryptographicUsageMask');
  const authority = mask === undefined ? (previous?.authority ?? false) : requestsAuthority(attributes);
  return {
    subject: subject ?? fail('InvalidField', 'the request does not say who the subject is'),
    publicKey,
    alternativeNames: alternatives.length > 0 ? alternatives : (previous?.alternativeNames ?? []),
    keyUsage: mask === undefined ? previous?.keyUsage : keyUsageOf(mask),
    extendedKeyUsage: previous?.extendedKeyUsage ?? [],
    authority,
    pathLength: authority ? previous?.pathLength : undefined,
    nameConstraints: authority ? previous?.nameConstraints : undefined,
  };
}

/**
 * Returns what a new certificate takes over from the certificate in an object for the same key. Of one that
 * this server issued, as its own record says, that is everything; a certificate that a client registered
 * states what it likes, so that its subject alone is taken, which a client may state anyway. Undefined when
 * the object holds no certificate of that key.
 */
export async function formerContent(
  object: ManagedObject | undefined,
  publicKey: Uint8Array,
  crypto: CryptoProvider,
): Promise<Partial<CertificateContent> | undefined> {
  const certificate = certificateIn(object);
  if (object === undefined || certificate === undefined) return undefined;
  const details = await crypto.certification.readCertificate(certificate);
  if (!isSameKey(details.publicKey, publicKey, crypto)) return undefined;
  return isIssuedHere(object) ? details : { subject: details.subject };
}

/** Whether Certify or Re-certify made the value of the object: the record is sealed with the value. */
function isIssuedHere({ type, provenance }: ManagedObject): boolean {
  return type === 'Certificate' && provenance.born === 'made';
}

interface RequestFields {
  readonly CertificateRequestType?: CertificateRequestType | undefined;
  /** The bytes of 1.x. */
  readonly CertificateRequest?: Uint8Array | undefined;
  /** The same in 2.x. */
  readonly CertificateRequestValue?: Uint8Array | undefined;
}

/**
 * Returns the certificate request inside a KMIP request; undefined when there is none.
 * @throws {KmipError} InvalidMessage when its type is missing
 */
export function inlineCertificateRequest(fields: RequestFields): CertificateRequestValue | undefined {
  const CertificateRequestValue = fields.CertificateRequestValue ?? fields.CertificateRequest;
  if (CertificateRequestValue === undefined) return undefined;
  const CertificateRequestType =
    fields.CertificateRequestType ?? fail('InvalidMessage', 'Certificate Request Type is missing');
  return { CertificateRequestType, CertificateRequestValue };
}

type CertificateRequestValue = Extract<ManagedObjectValue, { type: 'CertificateRequest' }>['value'];

/**
 * Reads the content of a certificate request and checks its signature.
 * @throws {KmipError} FeatureNotSupported for CRMF and PGP, PermissionDenied for an authority that the
 *   attributes do not request
 * @throws {InvalidCertificateRequestError} when the request cannot be read
 */
export async function checkCertificateRequest(
  { CertificateRequestType: type, CertificateRequestValue: value }: CertificateRequestValue,
  attributes: readonly Attribute[],
  crypto: CryptoProvider,
): Promise<CertificateContent> {
  if (type !== 'PKCS_10' && type !== 'PEM') {
    fail('FeatureNotSupported', 'certificate requests are read as PKCS#10, in DER or PEM, only');
  }
  const content = await crypto.certification.readCertificateRequest(type, value);
  // The request may have been made by somebody else than the client that forwards it.
  if (content.authority && !requestsAuthority(attributes)) {
    fail(
      'PermissionDenied',
      'the certificate request asks for an authority, the Cryptographic Usage Mask not for CertificateSign',
    );
  }
  return content;
}

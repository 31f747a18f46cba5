import type { Attribute } from '../../../codec/attribute.ts';
import { hasKeyBlock } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import type { CertificateContent } from '../../crypto/certification.ts';
import { plainKey } from '../../crypto/plain-key.ts';
import { setLink } from '../../object/links.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { countUse } from '../../object/usage.ts';
import { recordAuthority } from '../authority-records.ts';
import type { Context } from '../context.ts';
import { createObject, valueOf } from '../new-object.ts';
import { isSameKey } from '../record-identifiers.ts';
import { recordIssued } from '../revocation-records.ts';
import { keyForUse, parametersFor } from '../usable-key.ts';
import { isDerivedFromCertificate } from './certificate-template.ts';
import { claimName, recordIssuerOrder } from './issuer-choice.ts';
import {
  limitSelfSigned,
  requireUncompromised,
  requireWithinLimits,
  requireWithinPolicies,
} from './issuer-limits.ts';
import type { Issuer } from './issuers.ts';
import { requirePossession } from './possession.ts';
import { limitAuthority } from './subordinates.ts';

/** Functions shared by Certify and Re-certify. */

/** Validity of a certificate when the request states no end. */
export const defaultValiditySeconds = 365 * 86_400;

/** The last second that a certificate can express (RFC 5280 §4.1.2.5), POSIX seconds. */
const maxDate = 253_402_300_799;

/**
 * Reasons of Certify and Re-certify for a missing object or one of another type, as in their own error
 * tables.
 */
export const certifyReasons = { missing: 'ItemNotFound', legacyReason: 'PermissionDenied' } as const;

/**
 * Encodes a public key that may be certified as SubjectPublicKeyInfo.
 * @throws {KmipError} WrongKeyLifecycleState or KeyValueNotPresent
 */
export function encodePublicKey(object: ManagedObject, { crypto, now }: Context): Uint8Array {
  const state = object.state(now);
  if (state !== 'PreActive' && state !== 'Active')
    fail('WrongKeyLifecycleState', `a public key that is ${state} is not certified`);
  const { value } = object;
  const key =
    value !== undefined && hasKeyBlock(value) ? plainKey(value.type, value.value.KeyBlock) : undefined;
  if (key === undefined) fail('KeyValueNotPresent', 'the server does not have the public key in the clear');
  return crypto.convertKey(key, 'X_509') as Uint8Array;
}

/**
 * Refuses a certificate request for another public key than the one to be certified.
 * @throws {KmipError} InvalidCSR (1.x: InvalidField)
 */
export function requireSameKey(
  one: Uint8Array,
  other: Uint8Array,
  { crypto }: Pick<Context, 'crypto'>,
): void {
  if (!isSameKey(one, other, crypto)) fail('InvalidCSR', 'the certificate request is for another public key');
}

/** A certificate to be issued. */
export interface Issuance {
  readonly operation: 'Certify' | 'ReCertify';
  readonly content: CertificateContent;
  /** Attributes of the new object; its dates become those of the certificate. */
  readonly attributes: readonly Attribute[];
  readonly issuer: Issuer;
  readonly publicKey: ManagedObject | undefined;
  /** The private key of the public key, when the group has it. */
  readonly ownKey: ManagedObject | undefined;
  /** Whether the content is that of a certificate request, whose signature was checked. */
  readonly isRequested: boolean;
  /** Objects that the content comes from, beside the public key. */
  readonly origins: readonly ManagedObject[];
  /** The certificate that the new one replaces. */
  readonly replaced?: ManagedObject;
  /** Validity in seconds when there is no Deactivation Date. */
  readonly validity: number;
}

/**
 * Issues a certificate and creates its object with links to the issuer and the public key.
 * @throws {KmipError} WrongKeyLifecycleState, IncompatibleCryptographicUsageMask or PermissionDenied when the
 *   issuer's key may not sign, or not this, or the subject's key is compromised or not proved; InvalidField
 *   for dates beyond the issuer's, FeatureNotSupported for another type than X.509
 */
export async function createCertificate(issuance: Issuance, context: Context): Promise<ManagedObject> {
  const { operation, attributes, issuer, publicKey, ownKey, origins, replaced } = issuance;
  const { crypto, now } = context;
  const { key, issuerCertificate } = issuer;
  requireX509(attributes);
  requireOwnName(issuance.content, issuer, context);
  await requirePossession(issuance, context);
  await requireUncompromised(issuance.content.publicKey, context);
  const limited =
    issuerCertificate === undefined
      ? await limitSelfSigned(issuance.content, key, context)
      : limitPathLength(issuance.content, issuer);
  const policies = await requireWithinPolicies(limited, issuer, context);
  const content = await limitAuthority({ content: limited, ownKey, policies }, issuer, context);
  const dates = chooseDates(issuance, now);
  const algorithm = valueOf(attributes, 'DigitalSignatureAlgorithm');
  const stated = valueOf(attributes, 'CryptographicParameters');
  const requested = algorithm === undefined ? stated : { ...stated, DigitalSignatureAlgorithm: algorithm };
  const certificate = await crypto.certification.issueCertificate({
    content,
    issuer: issuerCertificate?.details.subject ?? content.subject,
    issuerCertificate: issuerCertificate?.certificate,
    issuerKey: keyForUse(key, 'Certify', context),
    serialNumber: crypto.random(16),
    ...dates,
    // A self-signed certificate is in no other issuer's list, and a list by its own revoked key could not be
    // trusted.
    revocationListUrl:
      issuerCertificate &&
      context.server.revocationListUrl?.replaceAll('{issuer}', issuerCertificate.object.id),
    signature: parametersFor(key, { use: 'certify', requested }),
  });
  await requireWithinLimits(certificate, issuer, Math.max(dates.notBefore, now), context);
  await claimIssuer(certificate, issuer, context);
  countUse(key, certificate.length, context);
  const value = {
    type: 'Certificate',
    value: { CertificateType: 'X_509', CertificateValue: certificate },
  } as const;
  const statedAttributes = attributes.filter(
    (attribute) => !isDerivedFromCertificate(attribute) && !isValidityDate(attribute),
  );
  const objectAttributes: Attribute[] = [
    ...statedAttributes,
    { name: 'ActivationDate', value: dates.notBefore },
    { name: 'DeactivationDate', value: dates.notAfter },
  ];
  const issuerPublicKey = issuerCertificate?.details.publicKey ?? content.publicKey;
  const object = await createObject(
    {
      operation,
      type: value.type,
      attributes: objectAttributes,
      value,
      inputs: publicKey === undefined ? origins : [publicKey, ...origins],
      issuerKey: issuerPublicKey,
      ...(replaced && { replaced }),
    },
    context,
  );
  if (issuerCertificate !== undefined) setLink(object, 'CertificateLink', issuerCertificate.object.id, now);
  if (publicKey !== undefined) {
    setLink(object, 'PublicKeyLink', publicKey.id, now);
    setLink(publicKey, 'CertificateLink', object.id, now);
  }
  if (content.authority && issuerCertificate !== undefined)
    await recordAuthority(content.publicKey, issuerPublicKey, context);
  recordIssued(object, { issuerKey: issuerPublicKey, notAfter: dates.notAfter }, context);
  return object;
}

/** The name and the place of an issuer are its own from the first certificate on, its own included. */
async function claimIssuer(
  certificate: Uint8Array,
  { key, issuerCertificate }: Issuer,
  context: Context,
): Promise<void> {
  const details =
    issuerCertificate?.details ?? (await context.crypto.certification.readCertificate(certificate));
  if (!details.authority) return;
  await claimName(details, context);
  await recordIssuerOrder(details, key, context);
}

function requireX509(attributes: readonly Attribute[]): void {
  if ((valueOf(attributes, 'CertificateType') ?? 'X_509') !== 'X_509')
    fail('FeatureNotSupported', 'only X.509 certificates are made here');
}

/** A certificate with the issuer's name for another key would make that key an issuer of the same name. */
function requireOwnName(
  { subject }: CertificateContent,
  { issuerCertificate }: Issuer,
  { crypto }: Context,
): void {
  if (issuerCertificate === undefined) return;
  const { nameContains } = crypto.certification;
  const name = issuerCertificate.details.subject;
  if (nameContains(name, subject) && nameContains(subject, name))
    fail('InvalidField', 'the subject has the name of the issuer');
}

/** Limits the path length of an authority to that of its issuer. */
function limitPathLength(content: CertificateContent, { issuerCertificate }: Issuer): CertificateContent {
  const maxPathLength = issuerCertificate?.details.pathLength;
  if (!content.authority || maxPathLength === undefined) return content;
  if (maxPathLength === 0) fail('PermissionDenied', 'the issuer may not make other authorities');
  return { ...content, pathLength: Math.min(content.pathLength ?? maxPathLength - 1, maxPathLength - 1) };
}

function chooseDates(
  { attributes, issuer, validity }: Issuance,
  now: number,
): { readonly notBefore: number; readonly notAfter: number } {
  const latest = issuer.issuerCertificate?.details.notAfter ?? maxDate;
  const notBefore = valueOf(attributes, 'ActivationDate') ?? now;
  const notAfter = valueOf(attributes, 'DeactivationDate') ?? Math.min(notBefore + validity, latest);
  if (notBefore < 0 || notAfter > maxDate) fail('InvalidField', 'no certificate can name such a date');
  if (notAfter <= now || notAfter <= notBefore)
    fail('InvalidField', 'the certificate would expire before it begins: state dates or an Offset');
  if (notAfter > latest) fail('InvalidField', 'the Deactivation Date is later than the end of the issuer');
  return { notBefore, notAfter };
}

function isValidityDate({ name, vendor }: Attribute): boolean {
  return vendor === undefined && (name === 'ActivationDate' || name === 'DeactivationDate');
}

import type { Attribute } from '../../../codec/attribute.ts';
import { hasKeyBlock } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import type { CertificateContent } from '../../crypto/certification.ts';
import { plainKey } from '../../crypto/provider.ts';
import { linkedId, setLink } from '../../object/links.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { countUse } from '../../object/usage.ts';
import type { Context } from '../context.ts';
import { createObject, valueOf } from '../new-object.ts';
import { keyForUse } from '../usable-key.ts';
import { isDerivedFromCertificate } from './certificate-template.ts';
import { recordIssued } from './issued-certificates.ts';
import type { Issuer } from './issuers.ts';

/** Shared by Certify and Re-certify. */

/** Life of a certificate that nobody limits, in seconds. */
export const defaultValiditySeconds = 365 * 86_400;

/** The last second that a certificate can name (RFC 5280 §4.1.2.5). */
const maxDate = 253_402_300_799;

/** Whose keys are certified; the tables of Certify and Re-certify have reasons of their own. */
export const certifyReasons = { missing: 'ItemNotFound', legacyReason: 'PermissionDenied' } as const;

/** SubjectPublicKeyInfo of a public key that may be certified. Fails with WrongKeyLifecycleState and KeyValueNotPresent. */
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

/** Fails with InvalidCSR (1.x: InvalidField) where a request brings another key than the one that is to be certified. */
export function requireSameKey(one: Uint8Array, other: Uint8Array): void {
  if (one.length !== other.length || one.some((byte, at) => byte !== other[at]))
    fail('InvalidCSR', 'the certificate request is for another public key');
}

/** The private key of a public key, where both are here and linked. */
export async function loadPrivateKey(
  publicKey: ManagedObject | undefined,
  { work }: Context,
): Promise<ManagedObject | undefined> {
  const id = publicKey === undefined ? undefined : linkedId(publicKey, 'PrivateKeyLink');
  const object = id === undefined ? undefined : await work.load(id);
  return object?.type === 'PrivateKey' ? object : undefined;
}

export interface Issuance {
  readonly operation: 'Certify' | 'ReCertify';
  readonly content: CertificateContent;
  /** Attributes of the new object; dates among them are the certificate's. */
  readonly attributes: readonly Attribute[];
  readonly issuer: Issuer;
  readonly publicKey: ManagedObject | undefined;
  /** Seconds for which the certificate is good where no Deactivation Date says so. */
  readonly validity: number;
}

/**
 * Signs the certificate and makes the object, links included. Fails with WrongKeyLifecycleState,
 * IncompatibleCryptographicUsageMask or PermissionDenied when the issuer's key may not sign, with InvalidField for dates
 * beyond the issuer's.
 */
export async function createCertificate(issuance: Issuance, context: Context): Promise<ManagedObject> {
  const { operation, attributes, issuer, publicKey } = issuance;
  const { crypto, now } = context;
  const { key, issuerCertificate } = issuer;
  requireX509(attributes);
  const content = limitPathLength(issuance.content, issuer);
  const dates = chooseDates(issuance, now);
  const issuerKey = keyForUse(key, 'Certify', now);
  const algorithm = valueOf(attributes, 'DigitalSignatureAlgorithm');
  const parameters =
    valueOf(attributes, 'CryptographicParameters') ?? key.attributes.get('CryptographicParameters') ?? {};
  const certificate = await crypto.certification.issue({
    content,
    issuer: issuerCertificate?.details.subject ?? content.subject,
    issuerCertificate: issuerCertificate?.certificate,
    issuerKey,
    serialNumber: crypto.random(16),
    ...dates,
    // Nobody else's list says that a certificate signed by its own key is over, nor its own once the key is not to be trusted.
    revocationListUrl:
      issuerCertificate &&
      context.server.revocationListUrl?.replaceAll('{issuer}', issuerCertificate.object.id),
    signature: algorithm === undefined ? parameters : { ...parameters, DigitalSignatureAlgorithm: algorithm },
  });
  countUse(key, certificate.length, now);
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
  const object = await createObject(
    { operation, type: value.type, attributes: objectAttributes, value },
    context,
  );
  if (issuerCertificate !== undefined) setLink(object, 'CertificateLink', issuerCertificate.object.id, now);
  if (publicKey !== undefined) {
    setLink(object, 'PublicKeyLink', publicKey.id, now);
    setLink(publicKey, 'CertificateLink', object.id, now);
  }
  const issuerPublicKey = issuerCertificate?.details.publicKey ?? content.publicKey;
  recordIssued(object, { issuerKey: issuerPublicKey, notAfter: dates.notAfter }, context);
  return object;
}

function requireX509(attributes: readonly Attribute[]): void {
  if ((valueOf(attributes, 'CertificateType') ?? 'X_509') !== 'X_509')
    fail('FeatureNotSupported', 'only X.509 certificates are made here');
}

/** An authority below another one keeps within its path length. */
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
    fail('InvalidField', 'the certificate would be over before it begins: state dates or an Offset');
  if (notAfter > latest) fail('InvalidField', 'the Deactivation Date is later than the end of the issuer');
  return { notBefore, notAfter };
}

function isValidityDate({ name, vendor }: Attribute): boolean {
  return vendor === undefined && (name === 'ActivationDate' || name === 'DeactivationDate');
}

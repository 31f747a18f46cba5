import type { Attribute } from '../../../codec/attribute.ts';
import type { AttributeName } from '../../../codec/attribute-table.ts';
import { fail } from '../../common/errors.ts';
import type { CertificateDetails } from '../../crypto/certification.ts';
import { anyStorageStatus } from '../../object/locate-filter.ts';
import type { Filter } from '../../store/store.ts';
import type { Context } from '../context.ts';
import { certificateIn } from '../key-pairs.ts';
import { valueOf } from '../new-object.ts';
import { findRevocations, isCompromisedKey } from '../revocation-records.ts';
import { filterSameCertificate, storedAnywhere } from '../same-certificates.ts';
import { examineCertificatesOf } from './issuers.ts';

/** Chains of certificates of a group: their issuers, and what of them the group has revoked. */

/** Certificates in one chain; chains in use have four or five. */
export const maxChain = 32;

/** Extends a chain by issuers that the group has, as far as possible. */
export async function completeChain(
  given: readonly Uint8Array[],
  context: Context,
): Promise<readonly Uint8Array[]> {
  const chain = [...given];
  while (chain.length < maxChain) {
    const issuer = await findIssuerCertificate(chain.at(-1) as Uint8Array, context);
    if (issuer === undefined) break;
    chain.push(issuer);
  }
  return chain;
}

/**
 * Without the limits of its issuer a chain would be judged too well.
 * @throws {KmipError} ServerLimitExceeded when the issuer may be among more certificates than are examined
 */
async function findIssuerCertificate(
  certificate: Uint8Array,
  context: Context,
): Promise<Uint8Array | undefined> {
  const { isIssuedBy } = context.crypto.certification;
  if (isIssuedBy(certificate, certificate)) return undefined;
  const name = valueOf(describe(certificate, context), 'X_509CertificateIssuer')?.IssuerDistinguishedName;
  if (name === undefined) return undefined;
  for await (const object of examineCertificatesOf(name, context)) {
    const candidate = certificateIn(object);
    if (candidate !== undefined && isIssuedBy(certificate, candidate)) return candidate;
  }
  return undefined;
}

function describe(CertificateValue: Uint8Array, { crypto }: Context): readonly Attribute[] {
  return crypto.describeCertificate({ CertificateType: 'X_509', CertificateValue });
}

/**
 * Whether the group has revoked a certificate of an ordered chain by that date (POSIX seconds). A compromised
 * authority may have signed with any date, so that nothing below it is good any more.
 */
export async function isChainRevoked(
  chain: readonly Uint8Array[],
  at: number,
  context: Context,
): Promise<boolean> {
  const { crypto, principal } = context;
  const { group } = principal;
  const details = await Promise.all(chain.map((each) => crypto.certification.readCertificate(each)));
  for (const [depth, certificate] of chain.entries()) {
    const { publicKey } = details[depth] as CertificateDetails;
    const isAuthority = depth > 0;
    if (isAuthority && (await isCompromisedKey(publicKey, group, context))) return true;
    // The last certificate of a chain is that of its own issuer.
    const issuerKey = details[depth + 1]?.publicKey ?? publicKey;
    if (await isRecordedRevoked(certificate, issuerKey, at, context)) return true;
    if (await isObjectRevoked(certificate, at, context)) return true;
  }
  return false;
}

/** Whether a certificate signed by `issuerKey` (SubjectPublicKeyInfo in DER) was recorded as revoked. */
async function isRecordedRevoked(
  certificate: Uint8Array,
  issuerKey: Uint8Array,
  at: number,
  context: Context,
): Promise<boolean> {
  const identifier = valueOf(describe(certificate, context), 'X_509CertificateIdentifier');
  const serial = identifier?.CertificateSerialNumber ?? new Uint8Array(0);
  const { group } = context.principal;
  const revocations = await findRevocations(certificate, { group, serial, issuerKey }, context);
  return revocations.some(({ date, invalidSince = date }) => invalidSince <= at);
}

/**
 * Whether an object of the group with that certificate, archived and destroyed ones included, was revoked or
 * past its Deactivation Date at that time (POSIX seconds).
 */
async function isObjectRevoked(certificate: Uint8Array, at: number, context: Context): Promise<boolean> {
  const by = (attribute: AttributeName): Filter => ({
    attribute,
    fields: [{ field: '', op: '<=', value: at }],
  });
  const ended: Filter = { any: [by('CompromiseOccurrenceDate'), by('DeactivationDate')] };
  const filter: Filter = { all: [filterSameCertificate(certificate, anyStorageStatus, context), ended] };
  return (await context.work.find({ filter, offset: 0, limit: 1 })).ids.length > 0;
}

/**
 * Refuses a certificate in DER that the group has revoked, also one that came back in another object.
 * @throws {KmipError} WrongKeyLifecycleState
 */
export async function requireUnrevoked(certificate: Uint8Array, context: Context): Promise<void> {
  const issuer = (await findIssuerCertificate(certificate, context)) ?? certificate;
  const { publicKey } = await context.crypto.certification.readCertificate(issuer);
  if (await isRecordedRevoked(certificate, publicKey, context.now, context))
    fail('WrongKeyLifecycleState', 'a certificate that was revoked is not renewed');
}

/** Whether the group stores the certificate, on line or archived. */
export async function isStored(certificate: Uint8Array, context: Context): Promise<boolean> {
  const filter = filterSameCertificate(certificate, storedAnywhere, context);
  return (await context.work.find({ filter, offset: 0, limit: 1 })).ids.length > 0;
}

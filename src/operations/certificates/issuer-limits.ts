import { fail } from '../../common/errors.ts';
import type { CertificateContent } from '../../crypto/certification.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context } from '../context.ts';
import { certificateIn, plainKeyIn } from '../key-pairs.ts';
import { isCompromisedKey } from '../revocation-records.ts';
import { completeChain, isChainRevoked } from './chains.ts';
import { findCertificates, type Issuer, searchObjects } from './issuers.ts';

/**
 * The limits of authorities, which hold for every certificate (docs/decisions/36-certificate-authority.md).
 */

/** Certificates with the subject of a self-signed one that are examined. */
const maxSameSubject = 64;

/**
 * Refuses a key that is known compromised.
 * @throws {KmipError} WrongKeyLifecycleState
 */
export async function requireUncompromised(publicKey: Uint8Array, context: Context): Promise<void> {
  if (await isCompromisedKey(publicKey, context.principal.group, context))
    fail('WrongKeyLifecycleState', 'the key is known to be compromised and is not certified');
}

/**
 * Refuses a new certificate, in DER, that the chain of its issuer does not allow: path lengths, name
 * constraints, key usages, dates and strengths of every authority above it that the group has, as Validate
 * judges them. `at` in POSIX seconds.
 * @throws {KmipError} PermissionDenied
 */
export async function requireWithinLimits(
  certificate: Uint8Array,
  { issuerCertificate }: Issuer,
  at: number,
  context: Context,
): Promise<void> {
  if (issuerCertificate === undefined) return;
  const authorities = await completeChain([issuerCertificate.certificate], context);
  const chain = [certificate, ...authorities];
  if (await isChainRevoked(authorities, context.now, context))
    fail('PermissionDenied', 'an authority above the issuer is revoked or compromised');
  if ((await context.crypto.certification.validatePath(chain, at, true)) !== 'Valid')
    fail('PermissionDenied', 'the certificate is not one that the authorities above it may issue');
}

/**
 * Returns the content of a self-signed certificate within the limits that the certificates of its key have
 * already: a key that another authority has certified as authority below itself signs none for itself.
 * @throws {KmipError} PermissionDenied
 */
export async function limitSelfSigned(
  content: CertificateContent,
  key: ManagedObject,
  context: Context,
): Promise<CertificateContent> {
  if (!content.authority) return content;
  const { certification } = context.crypto;
  let { pathLength, nameConstraints } = content;
  for (const object of await findOwnCertificates(content, key, context)) {
    const certificate = certificateIn(object);
    const plain = plainKeyIn(key);
    if (certificate === undefined || plain === undefined) continue;
    const details = await certification.readCertificate(certificate);
    if (!details.authority || !certification.isPair(plain, details.publicKey)) continue;
    if (!details.selfSigned)
      fail('PermissionDenied', 'the key is that of an authority below another, which renews its certificate');
    if (details.pathLength !== undefined)
      pathLength = Math.min(pathLength ?? details.pathLength, details.pathLength);
    nameConstraints ??= details.nameConstraints;
  }
  return { ...content, pathLength, nameConstraints };
}

/** Finds certificates of the key: those linked to it, and those with the subject of the new one. */
async function findOwnCertificates(
  { subject }: CertificateContent,
  key: ManagedObject,
  context: Context,
): Promise<ManagedObject[]> {
  const value = { SubjectDistinguishedName: subject, SubjectAlternativeName: [] };
  const named = await searchObjects(
    [
      { name: 'ObjectType', value: 'Certificate' },
      { name: 'X_509CertificateSubject', value },
    ],
    maxSameSubject,
    context,
  );
  const all = [...(await findCertificates(key, context)), ...named];
  return [...new Map(all.map((object) => [object.id, object])).values()];
}

import type { NamingPolicy } from '../../common/certification-rules.ts';
import { fail } from '../../common/errors.ts';
import type { CertificateContent } from '../../crypto/certification.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { findAllAbove, findDirectlyAbove } from '../authority-records.ts';
import type { Context } from '../context.ts';
import { certificateIn, plainKeyIn } from '../key-pairs.ts';
import { keyFingerprint } from '../record-identifiers.ts';
import { isCompromisedKey } from '../revocation-records.ts';
import { completeChain, isChainRevoked } from './chains.ts';
import { examineCertificatesOf, findCertificates, type Issuer } from './issuers.ts';

/**
 * The limits of authorities, which hold for every certificate (docs/decisions/36-certificate-authority.md).
 */

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
  await requireKnownEnd(authorities, context);
  const chain = [certificate, ...authorities];
  if (await isChainRevoked(authorities, context.now, context))
    fail('PermissionDenied', 'an authority above the issuer is revoked or compromised');
  if ((await context.crypto.certification.validatePath(chain, at, true)) !== 'Valid')
    fail('PermissionDenied', 'the certificate is not one that the authorities above it may issue');
}

/**
 * Refuses a chain that ends where the server knows that an authority is above: its limits are not known any
 * more, or the Rights of the client do not reach them.
 */
async function requireKnownEnd(authorities: readonly Uint8Array[], context: Context): Promise<void> {
  const end = await context.crypto.certification.readCertificate(authorities.at(-1) as Uint8Array);
  const known = await findDirectlyAbove(keyFingerprint(end.publicKey, context.crypto), context);
  if (!end.selfSigned && known.length > 0)
    fail(
      'PermissionDenied',
      'the certificate of an authority above the issuer is gone: register it again, or issue by another authority',
    );
}

/**
 * Refuses names that a policy of the operator for an authority above does not allow, and authorities that the
 * operator does not list where only those may issue. Policies bind by key: those of the issuer's, of keys
 * that the server knows to have certified it, and of the chains of all its certificates in the group.
 * Returns these policies.
 * @throws {KmipError} PermissionDenied
 */
export async function requireWithinPolicies(
  content: CertificateContent,
  { key, issuerCertificate }: Issuer,
  context: Context,
): Promise<readonly NamingPolicy[]> {
  const { crypto, certification } = context;
  const listed = await context.listedKeys();
  const issuerKey = keyFingerprint(issuerCertificate?.details.publicKey ?? content.publicKey, crypto);
  if (certification.onlyListedAuthorities && issuerCertificate !== undefined && !listed.has(issuerKey))
    fail(
      'PermissionDenied',
      `the operator has not listed the issuer: [authorities.${issuerCertificate.object.id}] in kmipd.toml permits it`,
    );
  const policies =
    listed.size === 0
      ? []
      : await findPolicies(issuerKey, { content, key, issuerCertificate }, listed, context);
  const problem = crypto.certification.findNamingProblem(content, policies);
  if (problem !== undefined) fail('PermissionDenied', problem);
  return policies;
}

/** Finds the policies that bind the issuer of a certificate with that content, by its key. */
async function findPolicies(
  issuerKey: string,
  { content, key, issuerCertificate }: Issuer & { readonly content: CertificateContent },
  listed: ReadonlyMap<string, readonly NamingPolicy[]>,
  context: Context,
): Promise<readonly NamingPolicy[]> {
  const keys = new Set([issuerKey]);
  const own = await findCertificatesOf(issuerCertificate?.details ?? content, key, context);
  const certificates = issuerCertificate === undefined ? own : [issuerCertificate.certificate, ...own];
  for (const certificate of certificates)
    for (const each of await readKnownChain(certificate, listed, context)) keys.add(each);
  const all = await findAllAbove(keys, context);
  return [...all].flatMap((each) => listed.get(each) ?? []);
}

/**
 * Returns the keys in the chain from a certificate of an authority on, by their fingerprints.
 * @throws {KmipError} PermissionDenied when it ends neither in a root nor in what the operator lists or the
 *   server has issued: an authority with a policy may be above it
 */
async function readKnownChain(
  certificate: Uint8Array,
  listed: ReadonlyMap<string, unknown>,
  context: Context,
): Promise<readonly string[]> {
  const { crypto } = context;
  const chain = await completeChain([certificate], context);
  const details = await Promise.all(chain.map((each) => crypto.certification.readCertificate(each)));
  const keys = details.map(({ publicKey }) => keyFingerprint(publicKey, crypto));
  const end = keys.at(-1) as string;
  const isKnown =
    details.at(-1)?.selfSigned || listed.has(end) || (await findDirectlyAbove(end, context)).length > 0;
  if (!isKnown)
    fail(
      'PermissionDenied',
      'an authority above the issuer is not here, and the operator has policies for authorities: register its certificate',
    );
  return keys;
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
  for (const certificate of await findCertificatesOf(content, key, context)) {
    const details = await certification.readCertificate(certificate);
    if (!details.selfSigned)
      fail('PermissionDenied', 'the key is that of an authority below another, which renews its certificate');
    if (details.pathLength !== undefined)
      pathLength = Math.min(pathLength ?? details.pathLength, details.pathLength);
    nameConstraints ??= details.nameConstraints;
  }
  return { ...content, pathLength, nameConstraints };
}

/**
 * Finds certificates in DER that make a key an authority: those that are linked to it, and those of the given
 * subject.
 * @throws {KmipError} ServerLimitExceeded when there are too many of that subject
 */
async function findCertificatesOf(
  { subject }: Pick<CertificateContent, 'subject'>,
  key: ManagedObject,
  context: Context,
): Promise<readonly Uint8Array[]> {
  const { certification } = context.crypto;
  const plain = plainKeyIn(key);
  if (plain === undefined) return [];
  const found = new Map<string, Uint8Array>();
  const examine = async (object: ManagedObject) => {
    const certificate = certificateIn(object);
    if (certificate === undefined || found.has(object.id)) return;
    const details = await certification.readCertificate(certificate);
    if (details.authority && certification.isPair(plain, details.publicKey))
      found.set(object.id, certificate);
  };
  for (const object of await findCertificates(key, context)) await examine(object);
  for await (const object of examineCertificatesOf(subject, context)) await examine(object);
  return [...found.values()];
}

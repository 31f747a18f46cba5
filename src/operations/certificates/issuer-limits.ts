import type { NamingPolicy } from '../../common/certification-rules.ts';
import { fail } from '../../common/errors.ts';
import type { CertificateContent, CertificateDetails } from '../../crypto/certification.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { findRecordedCertificates, isCertifiedHere } from '../authority-certificates.ts';
import { findDirectlyAbove } from '../authority-records.ts';
import type { Context } from '../context.ts';
import { certificateIn, plainKeyIn } from '../key-pairs.ts';
import { keyFingerprint } from '../record-identifiers.ts';
import { isCompromisedKey } from '../revocation-records.ts';
import { checkIssuance, inWholeGroup, type WholeGroup } from '../whole-group.ts';
import { findBindingChain, findIssuerCertificates, isChainRevoked } from './chains.ts';
import { examineCertificatesOf, findCertificates, type Issuer } from './issuers.ts';

/**
 * The limits of authorities, which hold for every certificate (docs/decisions/36-certificate-authority.md).
 */

/**
 * Refuses a key that is known compromised.
 * @throws {KmipError} WrongKeyLifecycleState
 */
export async function requireUncompromised(publicKey: Uint8Array, context: Context): Promise<void> {
  if (await isCompromisedKey(publicKey, context.principal.group, inWholeGroup(context)))
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
  await checkIssuance(context, async (group) => {
    const authorities = await findBindingChain(issuerCertificate.certificate, at, group);
    await requireKnownEnd(authorities, group);
    const chain = [certificate, ...authorities];
    if (await isChainRevoked(authorities, group.now, group))
      fail('PermissionDenied', 'an authority above the issuer is revoked or compromised');
    if ((await group.crypto.certification.validatePath(chain, at, true)) !== 'Valid')
      fail('PermissionDenied', 'the certificate is not one that the authorities above it may issue');
  });
}

/**
 * Refuses a chain that ends where the server knows that an authority is above: its limits are not known any
 * more.
 */
async function requireKnownEnd(authorities: readonly Uint8Array[], context: WholeGroup): Promise<void> {
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
      : await checkIssuance(context, (group) =>
          findPolicies(issuerKey, { content, key, issuerCertificate }, listed, group),
        );
  const problem = crypto.certification.findNamingProblem(content, policies);
  if (problem !== undefined) fail('PermissionDenied', problem);
  return policies;
}

/** Finds the policies that bind the issuer of a certificate with that content, by its key. */
async function findPolicies(
  issuerKey: string,
  { content, key, issuerCertificate }: Issuer & { readonly content: CertificateContent },
  listed: ReadonlyMap<string, readonly NamingPolicy[]>,
  context: WholeGroup,
): Promise<readonly NamingPolicy[]> {
  const { recorded, unrecorded } = await findCertificatesOf(
    issuerCertificate?.details ?? content,
    key,
    context,
  );
  const own = issuerCertificate === undefined ? [] : [issuerCertificate.certificate];
  const certificates = [...own, ...recorded, ...unrecorded];
  const keys = await findKeysAbove(issuerKey, certificates, listed, context);
  return [...keys].flatMap((each) => listed.get(each) ?? []);
}

/**
 * Returns a key with those certificates and all keys above it, by their fingerprints: of every certificate
 * that makes one of them an authority, the keys that signed it, and those that the server knows to have
 * certified them.
 * @throws {KmipError} PermissionDenied when a certificate of them is neither that of a root nor of a key that
 *   the operator lists or the server has certified, and its issuer is not here: an authority with a policy
 *   may be above it; also when there are too many of them
 */
async function findKeysAbove(
  issuerKey: string,
  certificates: readonly Uint8Array[],
  listed: ReadonlyMap<string, unknown>,
  context: WholeGroup,
): Promise<ReadonlySet<string>> {
  const { crypto } = context;
  const keys = new Set([issuerKey]);
  const examined = new Set<string>();
  const examine = async (certificate: Uint8Array): Promise<void> => {
    const id = certificate.toBase64();
    if (examined.has(id)) return;
    examined.add(id);
    const details = await crypto.certification.readCertificate(certificate);
    const key = keyFingerprint(details.publicKey, crypto);
    keys.add(key);
    requireFew(keys, examined);
    let isKnown = details.selfSigned || listed.has(key) || (await findDirectlyAbove(key, context)).length > 0;
    for await (const issuer of findIssuerCertificates(certificate, context)) {
      await examine(issuer);
      isKnown = true;
    }
    if (!isKnown)
      fail(
        'PermissionDenied',
        'an authority above the issuer is not here, and the operator has policies for authorities: register its certificate',
      );
  };
  for (const certificate of certificates) await examine(certificate);
  // The keys that are found are examined too.
  for (const key of keys) {
    for (const certificate of await findRecordedCertificates(key, context)) await examine(certificate);
    for (const each of await findDirectlyAbove(key, context)) keys.add(each);
    requireFew(keys, examined);
  }
  return keys;
}

/** Keys above one authority, and their certificates. */
const maxKeysAbove = 64;
const maxCertificatesAbove = 256;

function requireFew(keys: ReadonlySet<string>, certificates: ReadonlySet<string>): void {
  if (keys.size > maxKeysAbove || certificates.size > maxCertificatesAbove)
    fail('PermissionDenied', 'too many authorities or certificates are above the issuer');
}

/**
 * Returns the content of a self-signed certificate within the limits that the self-signed certificates of its
 * key have already: a key that was the authority below another first signs none for itself.
 * @throws {KmipError} PermissionDenied
 */
export async function limitSelfSigned(
  content: CertificateContent,
  key: ManagedObject,
  context: Context,
): Promise<CertificateContent> {
  return content.authority ? checkIssuance(context, (group) => limitRoot(content, key, group)) : content;
}

async function limitRoot(
  content: CertificateContent,
  key: ManagedObject,
  context: WholeGroup,
): Promise<CertificateContent> {
  const { readCertificate } = context.crypto.certification;
  const { recorded, unrecorded } = await findCertificatesOf(content, key, context);
  const [first, ...later] = await Promise.all(recorded.map(readCertificate));
  const older = await Promise.all(unrecorded.map(readCertificate));
  // A later certificate of another authority does not stop the renewals of a root: anybody could make one.
  const decisive = older.length > 0 || first === undefined ? older : [first];
  if (decisive.some(({ selfSigned }) => !selfSigned) || (await isBelowOthers(content, older, context)))
    fail('PermissionDenied', 'the key is that of an authority below another, which renews its certificate');
  let { pathLength, nameConstraints } = content;
  for (const details of [...older, ...(first === undefined ? [] : [first]), ...later]) {
    if (!details.selfSigned) continue;
    if (details.pathLength !== undefined)
      pathLength = Math.min(pathLength ?? details.pathLength, details.pathLength);
    nameConstraints ??= details.nameConstraints;
  }
  return { ...content, pathLength, nameConstraints };
}

/**
 * Whether the server knows a key as one below another authority although no certificate tells: it is gone, or
 * one that a client has brought precedes it.
 */
async function isBelowOthers(
  { publicKey }: CertificateContent,
  older: readonly CertificateDetails[],
  context: WholeGroup,
): Promise<boolean> {
  const key = keyFingerprint(publicKey, context.crypto);
  if (older.length > 0 || (await isCertifiedHere(key, context))) return false;
  return (await findDirectlyAbove(key, context)).some((each) => each !== key);
}

/** The certificates in DER that make a key an authority. */
interface AuthorityCertificates {
  /** Those on record, in its order. */
  readonly recorded: readonly Uint8Array[];
  /** Stored ones that are older than the record, or of which a renewal is on record. */
  readonly unrecorded: readonly Uint8Array[];
}

/**
 * Finds the certificates that make a key an authority; those without a record by their Links and the given
 * subject.
 * @throws {KmipError} ServerLimitExceeded when there are too many of that subject
 */
async function findCertificatesOf(
  { subject, publicKey }: Pick<CertificateContent, 'subject' | 'publicKey'>,
  key: ManagedObject,
  context: WholeGroup,
): Promise<AuthorityCertificates> {
  const { crypto } = context;
  const { certification } = crypto;
  const recorded = await findRecordedCertificates(keyFingerprint(publicKey, crypto), context);
  const known = new Set(recorded.map((each) => each.toBase64()));
  const unrecorded: Uint8Array[] = [];
  const plain = plainKeyIn(key);
  const examine = async (object: ManagedObject) => {
    const certificate = certificateIn(object);
    if (plain === undefined || certificate === undefined || known.has(certificate.toBase64())) return;
    known.add(certificate.toBase64());
    const details = await certification.readCertificate(certificate);
    if (details.authority && certification.isPair(plain, details.publicKey)) unrecorded.push(certificate);
  };
  for (const object of await findCertificates(key, context)) await examine(object);
  for await (const object of examineCertificatesOf(subject, context)) await examine(object);
  return { recorded, unrecorded };
}

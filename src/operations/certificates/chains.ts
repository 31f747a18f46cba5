import type { Attribute } from '../../../codec/attribute.ts';
import type { AttributeName } from '../../../codec/attribute-table.ts';
import { isSameBytes } from '../../common/bytes.ts';
import { fail } from '../../common/errors.ts';
import { EventLoopYield } from '../../common/event-loop-yield.ts';
import type { CertificateDetails } from '../../crypto/certification.ts';
import type { AttributeFilter } from '../../object/attribute-filter.ts';
import { anyStorageStatus } from '../../object/locate-filter.ts';
import { findRecordedCertificates, findRecordedKeys } from '../authority-certificates.ts';
import { certificateIn } from '../key-pairs.ts';
import { valueOf } from '../new-object.ts';
import { findRevocations, isCompromisedKey } from '../revocation-records.ts';
import { filterSameCertificate, storedAnywhere } from '../same-certificates.ts';
import type { WholeGroup } from '../whole-group.ts';
import { examineCertificatesOf } from './issuers.ts';

/** Chains of certificates of a group: their issuers, and what of them the group has revoked. */

/** Certificates in one chain; chains in use have four or five. */
export const maxChain = 32;

/** Chains from one certificate up that are looked at; authorities certify each other once or twice. */
const maxChains = 64;

/**
 * Yields the chains that the group knows from the given one up, each as long as possible, at most 64.
 * `isStored`: without certificates whose objects are gone or outside the Rights of the client.
 */
export async function* findChains(
  given: readonly Uint8Array[],
  context: WholeGroup,
  { isStored = false } = {},
): AsyncGenerator<readonly Uint8Array[]> {
  let count = 0;
  for await (const chain of extendChain(given, context, isStored)) {
    yield chain;
    if (++count === maxChains) return;
  }
}

async function* extendChain(
  chain: readonly Uint8Array[],
  context: WholeGroup,
  isStoredOnly: boolean,
): AsyncGenerator<readonly Uint8Array[]> {
  let isEnd = true;
  if (chain.length < maxChain)
    for await (const issuer of findIssuerCertificates(chain.at(-1) as Uint8Array, context)) {
      if (chain.some((each) => isSameBytes(each, issuer))) continue;
      if (isStoredOnly && !(await isStored(issuer, context))) continue;
      isEnd = false;
      yield* extendChain([...chain, issuer], context, isStoredOnly);
    }
  if (isEnd) yield chain;
}

/**
 * Yields the certificates of the key that signed a certificate, none for its own key: those on record first,
 * so that a later one takes the place of none, then those of its subject that are stored only, as an older
 * kmipd has left them.
 * @throws {KmipError} ServerLimitExceeded when the issuer may be among more certificates than are examined
 */
export async function* findIssuerCertificates(
  certificate: Uint8Array,
  context: WholeGroup,
): AsyncGenerator<Uint8Array, undefined> {
  const { isIssuedBy, readCertificate } = context.crypto.certification;
  if (isIssuedBy(certificate, certificate)) return undefined;
  const { issuer: name } = await readCertificate(certificate);
  const eventLoop = new EventLoopYield();
  const found: Uint8Array[] = [];
  for (const key of await findRecordedKeys(name, context)) {
    if (eventLoop.isDue) await eventLoop.yield();
    for (const candidate of await findRecordedCertificates(key, context)) {
      if (!isIssuedBy(certificate, candidate)) continue;
      found.push(candidate);
      yield candidate;
    }
  }
  for await (const object of examineCertificatesOf(name, context)) {
    const candidate = certificateIn(object);
    if (candidate === undefined || found.some((each) => isSameBytes(each, candidate))) continue;
    if (isIssuedBy(certificate, candidate)) yield candidate;
  }
  return undefined;
}

/**
 * Returns the chain of an issuer by which a new certificate is judged at `at` (POSIX seconds): of several the
 * first one in force, so that a later certificate for a key above takes away no limit; the first one when
 * none is in force.
 */
export async function findBindingChain(
  issuer: Uint8Array,
  at: number,
  context: WholeGroup,
): Promise<readonly Uint8Array[]> {
  let first: readonly Uint8Array[] | undefined;
  for await (const chain of findChains([issuer], context)) {
    if (await isInForce(chain, at, context)) return chain;
    first ??= chain;
  }
  return first as readonly Uint8Array[];
}

async function isInForce(chain: readonly Uint8Array[], at: number, context: WholeGroup): Promise<boolean> {
  for (const certificate of chain) {
    const { notBefore, notAfter } = await context.crypto.certification.readCertificate(certificate);
    if (at < notBefore || notAfter < at) return false;
  }
  return !(await isChainRevoked(chain, context.now, context));
}

function describe(
  CertificateValue: Uint8Array,
  { crypto }: Pick<WholeGroup, 'crypto'>,
): readonly Attribute[] {
  return crypto.describeCertificate({ CertificateType: 'X_509', CertificateValue });
}

/**
 * Whether the group has revoked a certificate of an ordered chain by that date (POSIX seconds). A compromised
 * authority may have signed with any date, so that nothing below it is good any more.
 */
export async function isChainRevoked(
  chain: readonly Uint8Array[],
  at: number,
  context: WholeGroup,
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
  context: WholeGroup,
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
async function isObjectRevoked(certificate: Uint8Array, at: number, context: WholeGroup): Promise<boolean> {
  const by = (attribute: AttributeName): AttributeFilter => ({
    attribute,
    fields: [{ field: '', op: '<=', value: at }],
  });
  const ended: AttributeFilter = { any: [by('CompromiseOccurrenceDate'), by('DeactivationDate')] };
  const filter: AttributeFilter = {
    all: [filterSameCertificate(certificate, anyStorageStatus, context), ended],
  };
  return (await context.work.find({ filter, offset: 0, limit: 1 })).ids.length > 0;
}

/**
 * Refuses a certificate in DER that the group has revoked, also one that came back in another object.
 * @throws {KmipError} WrongKeyLifecycleState
 */
export async function requireUnrevoked(certificate: Uint8Array, context: WholeGroup): Promise<void> {
  const issuer = (await findIssuerCertificates(certificate, context).next()).value ?? certificate;
  const { publicKey } = await context.crypto.certification.readCertificate(issuer);
  if (await isRecordedRevoked(certificate, publicKey, context.now, context))
    fail('WrongKeyLifecycleState', 'a certificate that was revoked is not renewed');
}

/** Whether the group stores the certificate, on line or archived. */
export async function isStored(certificate: Uint8Array, context: WholeGroup): Promise<boolean> {
  const filter = filterSameCertificate(certificate, storedAnywhere, context);
  return (await context.work.find({ filter, offset: 0, limit: 1 })).ids.length > 0;
}

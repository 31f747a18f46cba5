import type { CertificationRules, NamingPolicy } from '../common/certification-rules.ts';
import { fail } from '../common/errors.ts';
import { readJson, writeJson } from '../common/json.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { addCertificate, type GroupContext, readAuthorityDetails } from './authority-certificates.ts';
import type { Context } from './context.ts';
import { certificateIn } from './key-pairs.ts';
import { identifierIn, keyFingerprint } from './record-identifiers.ts';
import type { WholeGroup } from './whole-group.ts';

/**
 * The keys of authorities, beside the objects and whatever becomes of them: which key a certificate that the
 * operator lists is for, and which keys have certified an authority
 * (docs/decisions/36-certificate-authority.md).
 */

type RecordContext = Pick<Context, 'work' | 'crypto'>;

const kinds = {
  /** The key in the certificate of an authority that is gone, by the identifier of the object. */
  key: 'authority-key',
  /** The keys that have certified a key as authority, by group and key. */
  above: 'authority-above',
} as const;

/** Kinds of the records that this file encodes. */
export const authorityKinds: readonly string[] = Object.values(kinds);

/** Kind of the records of authorities whose certificate is gone; their id is that of the object. */
export const authorityKeyKind = kinds.key;

/** Keys that have certified the same authority; in use are one or two. */
const maxDirectlyAbove = 16;

/**
 * Keeps the key and the certificate of an authority when the object loses the certificate: what the operator
 * says of the identifier is about the key, and the certificate limits it still. The first key of an
 * identifier stays.
 */
export async function keepAuthorityKey(
  object: ManagedObject,
  context: GroupContext & Pick<Context, 'now'>,
): Promise<void> {
  const { work, crypto } = context;
  const certificate = certificateIn(object);
  const details = await readAuthorityDetails(certificate, crypto);
  if (certificate === undefined || details === undefined) return;
  // An older kmipd has not recorded the certificate when it came; those are few, and none may be lost.
  await addCertificate(certificate, details, context, { isBounded: false });
  if ((await work.records.load(kinds.key, object.id)) !== undefined) return;
  work.records.put(kinds.key, object.id, writeJson({ key: keyFingerprint(details.publicKey, crypto) }));
}

/**
 * Finds the keys of the authorities that the operator lists, as far as they are in the group. `work` must
 * reach the whole group: the Rights of a client do not decide what binds it.
 */
export async function findListedKeys(
  { authorities }: Pick<CertificationRules, 'authorities'>,
  { work, crypto }: RecordContext,
): Promise<ReadonlyMap<string, readonly NamingPolicy[]>> {
  const listed = new Map<string, NamingPolicy[]>();
  for (const [id, policy] of authorities) {
    const key = await findAuthorityKey(id, { work, crypto });
    if (key !== undefined) listed.set(key, [...(listed.get(key) ?? []), policy]);
  }
  return listed;
}

/**
 * Returns the fingerprint of the key in the certificate with that identifier, which may be gone; undefined
 * when the group of `work` had no certificate of an authority with it.
 */
export async function findAuthorityKey(
  id: string,
  { work, crypto }: RecordContext,
): Promise<string | undefined> {
  // The object first: a Destroy that commits in between has left the record.
  const object = await work.load(id);
  const record = await work.records.load(kinds.key, id);
  if (record !== undefined) return readJson<{ key: string }>(record).key;
  const details = await readAuthorityDetails(certificateIn(object), crypto);
  return details && keyFingerprint(details.publicKey, crypto);
}

/** Records that the key of an issuer has certified another one as authority; both SubjectPublicKeyInfo. */
export async function recordAuthority(
  subject: Uint8Array,
  issuer: Uint8Array,
  context: GroupContext,
): Promise<void> {
  const key = keyFingerprint(subject, context.crypto);
  const issuers = await findDirectlyAbove(key, context);
  const issuerKey = keyFingerprint(issuer, context.crypto);
  if (issuers.includes(issuerKey)) return;
  if (issuers.length >= maxDirectlyAbove)
    fail('PermissionDenied', 'too many authorities have certified the key as an authority');
  const keys = [...issuers, issuerKey];
  context.work.records.putLasting(kinds.above, recordOf(key, context), () => writeJson({ keys }));
}

/** The keys that have certified that one as authority, all by their fingerprints. */
export async function findDirectlyAbove(
  key: string,
  context: Pick<WholeGroup, 'work' | 'crypto' | 'principal'>,
): Promise<readonly string[]> {
  const record = await context.work.records.load(kinds.above, recordOf(key, context));
  return record === undefined ? [] : readJson<{ keys: string[] }>(record).keys;
}

/** A key may be in several groups. */
function recordOf(key: string, { crypto, principal }: Pick<WholeGroup, 'crypto' | 'principal'>): string {
  return identifierIn(principal.group, key, crypto);
}

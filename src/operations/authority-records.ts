import type { CertificationRules, NamingPolicy } from '../common/certification-rules.ts';
import { fail } from '../common/errors.ts';
import { readJson, writeJson } from '../common/json.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import type { Context } from './context.ts';
import { certificateIn } from './key-pairs.ts';
import { identifierIn, ignoreUnreadable, keyFingerprint } from './record-identifiers.ts';

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
/** Keys in all chains above one authority. */
const maxAbove = 64;

/**
 * Keeps the key of an authority when the object loses its certificate: what the operator says of the
 * identifier is about the key. The first key stays.
 */
export async function keepAuthorityKey(
  object: ManagedObject,
  { work, crypto }: RecordContext,
): Promise<void> {
  const key = await readAuthorityKey(object, crypto);
  if (key === undefined || (await work.records.load(kinds.key, object.id)) !== undefined) return;
  work.records.put(kinds.key, object.id, writeJson({ key }));
}

async function readAuthorityKey(
  object: ManagedObject | undefined,
  crypto: Context['crypto'],
): Promise<string | undefined> {
  const certificate = certificateIn(object);
  if (certificate === undefined) return undefined;
  return ignoreUnreadable(async () => {
    const { authority, publicKey } = await crypto.certification.readCertificate(certificate);
    return authority ? keyFingerprint(publicKey, crypto) : undefined;
  });
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
  return record === undefined ? readAuthorityKey(object, crypto) : readJson<{ key: string }>(record).key;
}

/** Records that the key of an issuer has certified another one as authority; both SubjectPublicKeyInfo. */
export async function recordAuthority(
  subject: Uint8Array,
  issuer: Uint8Array,
  context: RecordContext & Pick<Context, 'principal'>,
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
  context: RecordContext & Pick<Context, 'principal'>,
): Promise<readonly string[]> {
  const record = await context.work.records.load(kinds.above, recordOf(key, context));
  return record === undefined ? [] : readJson<{ keys: string[] }>(record).keys;
}

/**
 * Returns those keys and all keys above them by the records, by their fingerprints.
 * @throws {KmipError} PermissionDenied when they are too many
 */
export async function findAllAbove(
  keys: Iterable<string>,
  context: RecordContext & Pick<Context, 'principal'>,
): Promise<ReadonlySet<string>> {
  const found = new Set(keys);
  for (const key of found) {
    if (found.size > maxAbove) fail('PermissionDenied', 'too many authorities are above the issuer');
    for (const issuer of await findDirectlyAbove(key, context)) found.add(issuer);
  }
  return found;
}

/** A key may be in several groups. */
function recordOf(key: string, { crypto, principal }: Pick<Context, 'crypto' | 'principal'>): string {
  return identifierIn(principal.group, key, crypto);
}

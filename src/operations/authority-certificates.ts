import { fail } from '../common/errors.ts';
import { readJson, writeJson } from '../common/json.ts';
import type { CertificateDetails } from '../crypto/certification.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import type { Context } from './context.ts';
import { certificateIn } from './key-pairs.ts';
import { identifierIn, ignoreUnreadable, keyFingerprint } from './record-identifiers.ts';
import type { WholeGroup } from './whole-group.ts';

/**
 * The certificates that make a key an authority, on record beside the objects and whatever becomes of them: a
 * certificate is found by its key, and an issuer by its name in comparable form, so that no spelling of a
 * name, no Link and no end of an object hides a limit (docs/decisions/36-certificate-authority.md).
 */

/** What reading the records of a group needs. */
export interface GroupContext extends Pick<Context, 'work' | 'crypto'> {
  readonly principal: Pick<Context['principal'], 'group'>;
}
type RecordingContext = GroupContext & Pick<Context, 'now'>;
/** What finding records needs. */
type RecordContext = Pick<WholeGroup, 'work' | 'crypto' | 'principal'>;

const kinds = {
  /** The certificates of a key, by group and key. */
  certificates: 'authority-certificates',
  /** The keys with a certificate of one subject, by group and name. */
  subject: 'authority-subject',
} as const;

/** Kinds of the records that this file encodes. */
export const authorityCertificateKinds: readonly string[] = Object.values(kinds);

/** Certificates of one key, renewals by the server not counted, and their bytes. */
const maxCertificates = 64;
const maxCertificateBytes = 256 * 1024;
/** Authorities of one name; test systems make a new one in every run. */
const maxSameSubject = 1_000;

/** Reads the certificate of an authority; undefined for another or an unreadable one. */
export async function readAuthorityDetails(
  certificate: Uint8Array | undefined,
  { certification }: Context['crypto'],
): Promise<CertificateDetails | undefined> {
  if (certificate === undefined) return undefined;
  const details = await ignoreUnreadable(() => certification.readCertificate(certificate));
  return details?.authority ? details : undefined;
}

/** A certificate of an authority on record. */
interface Entry {
  /** Base64. */
  readonly der: string;
  /** When it, or the one whose place it took, came into the group: POSIX seconds. */
  readonly since: number;
  /** Of a certificate that the server signed. */
  readonly made?: Made | undefined;
}
interface Made {
  /** What the certificate states beside its validity and serial number, and the key that signed it. */
  readonly statement: string;
  /** POSIX seconds. */
  readonly notBefore: number;
  /** POSIX seconds. */
  readonly notAfter: number;
}

/**
 * Records the certificate of an authority that comes into the group, in whatever object; other objects need
 * no record. `issuerKey`: the server has signed the certificate with the private key of this
 * SubjectPublicKeyInfo, so that the record stays whatever becomes of the item, and a renewal takes the place
 * of the certificate that states the same.
 * @throws {KmipError} NotAuthorised for one that a client brings under limited Rights: it would bind keys
 *   outside them, and be trusted there; ServerLimitExceeded when the key has too many or too long
 *   certificates, or the name too many keys: one that is forgotten could bind
 */
export async function recordCertificate(
  object: ManagedObject,
  context: RecordingContext,
  issuerKey?: Uint8Array,
): Promise<void> {
  const certificate = certificateIn(object);
  const details = await readAuthorityDetails(certificate, context.crypto);
  if (certificate === undefined || details === undefined) return;
  if (context.work.isLimited && issuerKey === undefined)
    fail('NotAuthorised', 'the Rights of the ticket do not include certificates of authorities from outside');
  await addCertificate(certificate, details, context, { issuerKey, isBounded: true });
}

/** Adds a certificate of an authority to the record of its key, and the key to the record of its name. */
export async function addCertificate(
  certificate: Uint8Array,
  details: CertificateDetails,
  context: RecordingContext,
  { issuerKey, isBounded }: { readonly issuerKey?: Uint8Array | undefined; readonly isBounded: boolean },
): Promise<void> {
  const { crypto, now } = context;
  const key = keyFingerprint(details.publicKey, crypto);
  const made = issuerKey && describe(details, keyFingerprint(issuerKey, crypto), crypto);
  const entry: Entry = { der: certificate.toBase64(), since: now, made };
  const lists = { isLasting: made !== undefined, isBounded };
  await extendList<Entry>(
    { ...lists, kind: kinds.certificates, id: recordOf(key, context) },
    { change: (known) => insertEntry(known, entry, now), requireSpace: requireFewCertificates },
    context,
  );
  await extendList<string>(
    { ...lists, kind: kinds.subject, id: subjectRecordOf(details.subject, context) },
    { change: (known) => (known.includes(key) ? known : [...known, key]), requireSpace: requireFewKeys },
    context,
  );
}

function requireFewCertificates(entries: readonly Entry[]): void {
  const bytes = entries.reduce((sum, { der }) => sum + Uint8Array.fromBase64(der).length, 0);
  if (entries.length > maxCertificates || bytes > maxCertificateBytes)
    fail('ServerLimitExceeded', 'the group has too many or too long certificates of that authority');
}

function requireFewKeys(keys: readonly string[]): void {
  if (keys.length > maxSameSubject)
    fail('ServerLimitExceeded', 'the group has too many authorities of that name');
}

/** A record whose content is a list. */
interface List {
  readonly kind: string;
  readonly id: string;
  /** Whether the change stays when the item fails. */
  readonly isLasting: boolean;
  readonly isBounded: boolean;
}

/** Changes a list, unless `change` returns it as it was. */
async function extendList<T>(
  { kind, id, isLasting, isBounded }: List,
  {
    change,
    requireSpace,
  }: { change(known: readonly T[]): readonly T[]; requireSpace(next: readonly T[]): void },
  { work: { records } }: Pick<Context, 'work'>,
): Promise<void> {
  const read = (content: Uint8Array | undefined) => (content === undefined ? [] : readJson<T[]>(content));
  const known = read(await records.load(kind, id));
  const next = change(known);
  if (next === known) return;
  if (isBounded && next.length > known.length) requireSpace(next);
  if (isLasting) records.putLasting(kind, id, (content) => writeJson(change(read(content))));
  else records.put(kind, id, writeJson(next));
}

/** `now` in POSIX seconds. */
function insertEntry(known: readonly Entry[], entry: Entry, now: number): readonly Entry[] {
  if (known.some(({ der }) => der === entry.der)) return known;
  const { made } = entry;
  const at = known.findIndex((each) => each.made !== undefined && each.made.statement === made?.statement);
  const same = known[at]?.made;
  if (made === undefined || same === undefined) return [...known, entry];
  const { since } = known[at] as Entry;
  // One that is in force does not give way to one that is not yet, or ends sooner.
  if (made.notBefore <= now && made.notAfter >= same.notAfter) return known.with(at, { ...entry, since });
  const isCovered = same.notBefore <= made.notBefore && made.notAfter <= same.notAfter;
  return isCovered ? known : [...known, entry];
}

function describe(details: CertificateDetails, issuerKey: string, crypto: Context['crypto']): Made {
  const { notBefore, notAfter, ...stated } = details;
  const hex = (_: string, value: unknown) => (value instanceof Uint8Array ? value.toHex() : value);
  const text = JSON.stringify([issuerKey, stated], hex);
  const statement = crypto.digest('SHA_256', new TextEncoder().encode(text)).toHex();
  return { statement, notBefore, notAfter };
}

/**
 * Returns the certificates in DER that make a key an authority, by its fingerprint, whatever has become of
 * their objects: those that the server signed first, then in the order in which they came.
 */
export async function findRecordedCertificates(
  key: string,
  context: RecordContext,
): Promise<readonly Uint8Array[]> {
  const isBrought = ({ made }: Entry) => Number(made === undefined);
  const entries = (await loadEntries(key, context)).toSorted((a, b) => isBrought(a) - isBrought(b));
  return entries.map(({ der }) => Uint8Array.fromBase64(der));
}

/**
 * Returns when the first certificate on record that makes a key an authority, by its fingerprint, came into
 * the group: POSIX seconds, 0 when there is none, as for authorities of older databases.
 */
export async function findRecordedSince(key: string, context: RecordContext): Promise<number> {
  const entries = await loadEntries(key, context);
  return entries.length === 0 ? 0 : Math.min(...entries.map(({ since }) => since));
}

async function loadEntries(key: string, context: RecordContext): Promise<readonly Entry[]> {
  const record = await context.work.records.load(kinds.certificates, recordOf(key, context));
  return record === undefined ? [] : readJson<Entry[]>(record);
}

/** Whether the server has signed a certificate on record that makes that key an authority. */
export async function isCertifiedHere(key: string, context: RecordContext): Promise<boolean> {
  return (await loadEntries(key, context)).some(({ made }) => made !== undefined);
}

/** Returns the keys, by their fingerprints, with a certificate of an authority with that subject (DER). */
export async function findRecordedKeys(
  subject: Uint8Array,
  context: RecordContext,
): Promise<readonly string[]> {
  const record = await context.work.records.load(kinds.subject, subjectRecordOf(subject, context));
  return record === undefined ? [] : readJson<string[]>(record);
}

/** A key may be in several groups. */
function recordOf(key: string, { crypto, principal }: Omit<RecordContext, 'work'>): string {
  return identifierIn(principal.group, key, crypto);
}

/** Names are compared by RFC 5280 §7.1, whatever the letter case, spaces and types of their strings. */
function subjectRecordOf(subject: Uint8Array, { crypto, principal }: Omit<RecordContext, 'work'>): string {
  return identifierIn(principal.group, crypto.certification.comparableName(subject), crypto);
}

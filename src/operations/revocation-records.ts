import type { RevocationReasonCode } from '../../codec/enums.ts';
import { readJson, writeJson } from '../common/json.ts';
import type { RevokedEntry } from '../crypto/certification.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { SealBrokenError } from '../vault/vault.ts';
import type { Context } from './context.ts';
import { certificateIn, isMadeWithin, publicKeyIn } from './key-pairs.ts';
import { ignoreUnreadable, keyFingerprint, keyIdentifierIn, partIdentifierIn } from './record-identifiers.ts';
import type { WholeGroup } from './whole-group.ts';

/**
 * What the server has issued and the group has revoked, beside the objects and whatever becomes of them: a
 * record is added and never removed, and a later one only adds a compromise or an earlier occurrence
 * (docs/decisions/36-certificate-authority.md).
 */

type RecordContext = Pick<Context, 'work' | 'crypto'>;

const kinds = {
  /** Certificates that the server issued, by the identifier of the object. */
  issued: 'issued',
  /** Revoked ones of these, by issuing key and serial number. */
  revokedByIssuer: 'issued-revoked',
  /** Every revoked certificate, by group and signed part. */
  revokedBySignedPart: 'revoked-part',
  /** Keys that are known compromised, by group and SubjectPublicKeyInfo. */
  compromisedKey: 'compromised-key',
  /** What a destroyed key or certificate was, by the identifier of the object. */
  destroyedIdentity: 'destroyed-identity',
} as const;

/** Kind of the records of what destroyed keys and certificates were. */
export const destroyedIdentityKind = kinds.destroyedIdentity;

/** Kinds of the records that this file encodes. */
export const certificateKinds: readonly string[] = Object.values(kinds);

/** A certificate that the server issued. */
export interface Issued {
  /** INTEGER in DER, hex. */
  readonly serial: string;
  /** Distinguished name in the form of RFC 4514; absent in records of older versions. */
  readonly subject?: string;
  /** SHA-256 of the issuer's SubjectPublicKeyInfo, so that a renewed issuer counts as the same. */
  readonly issuer: string;
  /** POSIX seconds. */
  readonly notAfter: number;
}

/** A revocation. Records of older versions have a date only. */
export interface Revocation {
  /** POSIX seconds. */
  readonly date: number;
  readonly reason?: RevocationReasonCode | undefined;
  /** POSIX seconds since when the key may be compromised. */
  readonly invalidSince?: number | undefined;
}
type RevokedSerial = Issued & Revocation;

/** Longest validity of a list: a revoked certificate is on one more after its end (RFC 5280 §3.3). */
export const maxListSeconds = 30 * 86_400;

/** Records among which a serial number is searched, each of some 300 bytes. */
const maxSearched = 1_000_000;

/**
 * Records a new certificate beside its object, as a lasting change: the certificate was signed, whatever
 * becomes of its object. `issuerKey` is the SubjectPublicKeyInfo in DER, `notAfter` POSIX seconds.
 */
export function recordIssued(
  object: ManagedObject,
  { issuerKey, notAfter }: { readonly issuerKey: Uint8Array; readonly notAfter: number },
  { work, crypto }: RecordContext,
): void {
  const serial = serialOf(object);
  if (serial === undefined) return;
  const subject = object.attributes.get('CertificateSubject')?.CertificateSubjectDistinguishedName;
  const issued: Issued = {
    serial: serial.toHex(),
    ...(subject !== undefined && { subject }),
    issuer: keyFingerprint(issuerKey, crypto),
    notAfter,
  };
  work.records.putLasting(kinds.issued, object.id, () => writeJson(issued), notAfter + maxListSeconds);
}

/**
 * Returns the record of the certificate that the server issued as this object, also after its destruction. A
 * copy that a client registered has none: no client puts another's certificate on a revocation list.
 */
export async function findIssued(
  object: ManagedObject,
  { work }: Pick<Context, 'work'>,
): Promise<Issued | undefined> {
  const record = await work.records.load(kinds.issued, object.id);
  const issued = record && readJson<Issued>(record);
  // Another certificate may have taken the place of the one that was issued.
  return issued?.serial === serialOf(object)?.toHex() ? issued : undefined;
}

/**
 * Records the revocation of an object after its attributes: a certificate by its signed part and, when the
 * server issued it, by issuing key and serial number; the key of a compromised object. Under limited Rights
 * the compromise is that of the object alone, unless it is a key whose private half was made here within the
 * Rights: a certificate, or a key that a client brought, may be for a key outside them.
 */
export async function recordRevocation(
  object: ManagedObject,
  context: RecordContext & Pick<Context, 'now'>,
): Promise<void> {
  const { work } = context;
  const revocation = revocationIn(object);
  if (revocation === undefined) return;
  const { key, part } = await findIdentity(object, context);
  const issued = await findIssued(object, context);
  const isKeyCompromise = revocation.invalidSince !== undefined && key !== undefined;
  if (isKeyCompromise && (!work.isLimited || (await isMadeWithin(object, context))))
    await add(kinds.compromisedKey, key, revocation, context);
  if (object.type !== 'Certificate') return;
  if (part !== undefined) await add(kinds.revokedBySignedPart, part, revocation, context);
  if (issued !== undefined) await addRevokedSerial(issued, revocation, { work });
}

/** What is known of a destroyed object. */
interface Identity {
  /** Identifiers of the records about a key and a certificate. */
  readonly key?: string | undefined;
  readonly part?: string | undefined;
  /** Of an object with the bytes of another one: identifier of the first object with them. */
  readonly copyOf?: string | undefined;
}

/**
 * Records what an object holds that is about to be destroyed: it may be revoked later. A value that does not
 * open leaves no record and can be destroyed all the same.
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export async function recordIdentity(object: ManagedObject, context: RecordContext): Promise<void> {
  const identity = await computeIdentity(object, context).catch((error: unknown): Identity => {
    if (error instanceof SealBrokenError) return {};
    throw error;
  });
  if (Object.values(identity).every((known) => known === undefined)) return;
  context.work.records.put(kinds.destroyedIdentity, object.id, writeJson(identity));
}

/** Finds what an object holds, or held before it was destroyed. */
export async function findIdentity(object: ManagedObject, context: RecordContext): Promise<Identity> {
  if (!object.destroyed) return computeIdentity(object, context);
  const record = await context.work.records.load(kinds.destroyedIdentity, object.id);
  return record === undefined ? {} : readJson<Identity>(record);
}

async function computeIdentity(object: ManagedObject, context: RecordContext): Promise<Identity> {
  const { crypto } = context;
  const { group, provenance } = object;
  const certificate = certificateIn(object);
  const publicKey = await ignoreUnreadable(() => publicKeyIn(object, context));
  return {
    key: publicKey && keyIdentifierIn(group, publicKey, crypto),
    part: await ignoreUnreadable(async () => certificate && partIdentifierIn(group, certificate, crypto)),
    copyOf: provenance.copyOf,
  };
}

/** What the attributes of an object tell of its revocation. */
export function revocationIn({ attributes }: ManagedObject): Revocation | undefined {
  const reason = attributes.get('RevocationReason')?.RevocationReasonCode;
  const compromised = attributes.get('CompromiseDate');
  const date = compromised ?? attributes.get('DeactivationDate');
  if (reason === undefined || date === undefined) return undefined;
  const invalidSince = compromised === undefined ? undefined : attributes.get('CompromiseOccurrenceDate');
  return { date, reason, invalidSince };
}

async function add(
  kind: string,
  id: string,
  revocation: Revocation,
  { work: { records } }: Pick<Context, 'work'>,
): Promise<void> {
  const record = await records.load(kind, id);
  records.put(kind, id, writeJson(merge(record && readJson<Revocation>(record), revocation)));
}

/** Adds the revocation of an issued certificate; see `merge`. */
async function addRevokedSerial(
  issued: Issued,
  revocation: Revocation,
  { work: { records } }: Pick<Context, 'work'>,
): Promise<void> {
  const id = `${issued.issuer}.${issued.serial}`;
  const record = await records.load(kinds.revokedByIssuer, id);
  const merged: RevokedSerial = {
    ...issued,
    ...merge(record && readJson<RevokedSerial>(record), revocation),
  };
  records.put(kinds.revokedByIssuer, id, writeJson(merged), issued.notAfter + maxListSeconds);
}

/** The first date stays; a compromise stays one, and its occurrence moves to the earlier date only. */
function merge(known: Revocation | undefined, next: Revocation): Revocation {
  if (known === undefined) return next;
  const occurrences = [known.invalidSince, next.invalidSince].filter((date) => date !== undefined);
  const invalidSince = occurrences.length === 0 ? undefined : Math.min(...occurrences);
  const reason =
    known.invalidSince === undefined && next.invalidSince !== undefined ? next.reason : known.reason;
  return { date: Math.min(known.date, next.date), reason: reason ?? next.reason, invalidSince };
}

/** Whether the group knows that the key (SubjectPublicKeyInfo in DER) is compromised. */
export async function isCompromisedKey(
  publicKey: Uint8Array,
  group: string,
  { work, crypto }: Pick<WholeGroup, 'work' | 'crypto'>,
): Promise<boolean> {
  const id = keyIdentifierIn(group, publicKey, crypto);
  return (await work.records.load(kinds.compromisedKey, id)) !== undefined;
}

/**
 * Returns what the group has recorded of a certificate in DER: by its signed part, and by its serial number
 * (INTEGER in DER) and the key of its issuer (SubjectPublicKeyInfo in DER).
 */
export async function findRevocations(
  certificate: Uint8Array,
  { group, serial, issuerKey }: { group: string; serial: Uint8Array; issuerKey: Uint8Array },
  { work, crypto }: Pick<WholeGroup, 'work' | 'crypto'>,
): Promise<readonly Revocation[]> {
  const part = partIdentifierIn(group, certificate, crypto);
  const number = `${keyFingerprint(issuerKey, crypto)}.${serial.toHex()}`;
  const records = [
    await work.records.load(kinds.revokedBySignedPart, part),
    await work.records.load(kinds.revokedByIssuer, number),
  ];
  return records.filter((record) => record !== undefined).map((record) => readJson<Revocation>(record));
}

/**
 * Revokes the certificate with that serial number (big-endian) of an issuing key. Returns its subject, empty
 * for records of older versions; undefined when the issuer has no such certificate.
 */
export async function revokeSerial(
  issuerKey: Uint8Array,
  serial: Uint8Array,
  { work, crypto, now }: Pick<Context, 'work' | 'crypto' | 'now'>,
): Promise<string | undefined> {
  const fingerprint = keyFingerprint(issuerKey, crypto);
  const wanted = trimSerial(serial.toHex());
  for (const { content } of await work.records.list(kinds.issued, maxSearched)) {
    const issued = readJson<Issued>(content);
    if (issued.issuer !== fingerprint || trimSerial(contentOf(issued.serial)) !== wanted) continue;
    await addRevokedSerial(issued, { date: now }, { work });
    return issued.subject ?? '';
  }
  return undefined;
}

/** Returns the revoked certificates of an issuing key, by its fingerprint, at most `limit` of all keys. */
export async function listRevoked(
  issuer: string,
  limit: number,
  { work }: Pick<Context, 'work'>,
): Promise<readonly RevokedEntry[]> {
  const records = await work.records.list(kinds.revokedByIssuer, limit);
  return records
    .map(({ content }) => readJson<RevokedSerial>(content))
    .filter((revoked) => revoked.issuer === issuer)
    .map(({ serial, date, reason, invalidSince }) => ({
      serialNumber: Uint8Array.fromHex(serial),
      reason: reason ?? 'Unspecified',
      date,
      invalidSince,
    }));
}

/** The content of an INTEGER in DER of fewer than 128 bytes, behind its tag and length; both are hex. */
function contentOf(integer: string): string {
  return integer.slice(4);
}

/** Removes leading zero bytes, which programs show or leave out. */
function trimSerial(hex: string): string {
  return hex.replace(/^(?:00)+(?=..)/, '');
}

function serialOf({ attributes }: ManagedObject): Uint8Array | undefined {
  return attributes.get('X_509CertificateIdentifier')?.CertificateSerialNumber;
}

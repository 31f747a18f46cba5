import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { readJson, writeJson } from '../../common/json.ts';
import type { RevokedEntry } from '../../crypto/certification.ts';
import type { PlainKey } from '../../crypto/plain-key.ts';
import { anyStorageStatus, locateFilter } from '../../object/locate-filter.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context } from '../context.ts';
import { type Authority, findIssuer, plainKeyIn } from './issuers.ts';

/**
 * Records of issued certificates, and the content of revocation lists (docs/decisions/19-certification.md).
 */

type RevocationContext = Pick<Context, 'work' | 'crypto' | 'now'>;

/**
 * Kind of the records, by the certificate's identifier. A record outlives the value of the certificate's
 * object.
 */
export const issuedCertificateKind = 'issued';

/**
 * Kind of the records of certificates that were revoked by their serial number, by issuer and serial number.
 */
const revokedKind = 'issued-revoked';

interface Issued {
  /** INTEGER in DER, hex. */
  readonly serial: string;
  /** Distinguished name in the form of RFC 4514; absent in records of older versions. */
  readonly subject?: string;
  /** SHA-256 of the issuer's SubjectPublicKeyInfo, so that a renewed issuer counts as the same. */
  readonly issuer: string;
  /** POSIX seconds. */
  readonly notAfter: number;
}

/** A certificate that was revoked by its serial number. */
interface RevokedSerial extends Issued {
  /** POSIX seconds. */
  readonly date: number;
}

/**
 * Longest validity of a revocation list. A revoked certificate must be on one more list after its end (RFC
 * 5280 §3.3).
 */
export const maxListSeconds = 30 * 86_400;

/** Entries of one list, each of some 40 bytes; clients read a list whole. */
const maxEntries = 10_000;

/** Records among which a serial number is searched, each of some 300 bytes. */
const maxSearched = 1_000_000;

/**
 * Records a new certificate beside its object, as a lasting change: the certificate was signed, whatever
 * becomes of its object. `issuerKey` is the SubjectPublicKeyInfo in DER, `notAfter`
 * POSIX seconds.
 */
export function recordIssued(
  certificate: ManagedObject,
  { issuerKey, notAfter }: { readonly issuerKey: Uint8Array; readonly notAfter: number },
  { work, crypto }: RevocationContext,
): void {
  const serial = serialOf(certificate);
  if (serial === undefined) return;
  const subject = certificate.attributes.get('CertificateSubject')?.CertificateSubjectDistinguishedName;
  const issued: Issued = {
    serial: serial.toHex(),
    ...(subject !== undefined && { subject }),
    issuer: fingerprintOf(issuerKey, crypto),
    notAfter,
  };
  work.records.putLasting(
    issuedCertificateKind,
    certificate.id,
    () => writeJson(issued),
    notAfter + maxListSeconds,
  );
}

/**
 * Revokes a certificate of the issuer with that certificate by its serial number (big-endian), also when the
 * record alone is left of it. Returns its subject, empty for records of older versions; undefined when the
 * group has no such issuer or the issuer no such certificate.
 */
export async function revokeSerial(
  id: string,
  serial: Uint8Array,
  context: RevocationContext,
): Promise<string | undefined> {
  const { work, crypto, now } = context;
  const issuer = await findIssuer(id, context);
  if (issuer === undefined) return undefined;
  const fingerprint = fingerprintOf(issuer.issuerCertificate.details.publicKey, crypto);
  const wanted = trimSerial(serial.toHex());
  for (const { content } of await work.records.list(issuedCertificateKind, maxSearched)) {
    const issued = readJson<Issued>(content);
    if (issued.issuer !== fingerprint || trimSerial(contentOf(issued.serial)) !== wanted) continue;
    const name = `${fingerprint}.${issued.serial}`;
    if ((await work.records.load(revokedKind, name)) === undefined) {
      const revoked: RevokedSerial = { ...issued, date: now };
      work.records.put(revokedKind, name, writeJson(revoked), issued.notAfter + maxListSeconds);
    }
    return issued.subject ?? '';
  }
  return undefined;
}

/** The content of an INTEGER in DER of fewer than 128 bytes, behind its tag and length; both are hex. */
function contentOf(integer: string): string {
  return integer.slice(4);
}

/** Removes leading zero bytes, which programs show or leave out. */
function trimSerial(hex: string): string {
  return hex.replace(/^(?:00)+(?=..)/, '');
}

/** The content of a revocation list and the key to sign it, without its number and dates. */
export interface Revocations {
  readonly certificate: Uint8Array;
  /** Identifier of the issuing key, the same for all certificates of that key. */
  readonly keyId: string;
  readonly key: PlainKey;
  readonly parameters: CryptographicParameters;
  readonly entries: readonly RevokedEntry[];
}

/** Thrown when an issuer exists and its revocation list cannot be made; the message says why. */
export class NoRevocationListError extends Error {
  override readonly name = 'NoRevocationListError';
  readonly code = 'NO_REVOCATION_LIST';
}

/** Bit of KeyUsage (RFC 5280 §4.2.1.3). */
const cRLSign = 64;

/**
 * Collects the revoked certificates of the issuer with that certificate; undefined when the group has no such
 * issuer.
 * @throws {NoRevocationListError} when the issuer may not sign lists, or too many certificates are revoked:
 *   an incomplete list would present revoked certificates as valid
 */
export async function collectRevocations(
  id: string,
  context: RevocationContext,
): Promise<Revocations | undefined> {
  const issuer = await findIssuer(id, context);
  const key = issuer && plainKeyIn(issuer.key);
  if (issuer === undefined || key === undefined) return undefined;
  const { keyUsage = cRLSign } = issuer.issuerCertificate.details;
  if ((keyUsage & cRLSign) === 0) {
    throw new NoRevocationListError(
      'the Key Usage in the certificate of the issuer does not allow revocation lists',
    );
  }
  return {
    certificate: issuer.issuerCertificate.certificate,
    keyId: issuer.key.id,
    key,
    parameters: issuer.key.attributes.get('CryptographicParameters') ?? {},
    entries: await collectEntries(issuer, context),
  };
}

async function collectEntries(
  { issuerCertificate }: Authority,
  context: RevocationContext,
): Promise<readonly RevokedEntry[]> {
  const { work, crypto, now } = context;
  const name = { IssuerDistinguishedName: issuerCertificate.details.subject, IssuerAlternativeName: [] };
  const filter = locateFilter({
    attributes: [
      { name: 'ObjectType', value: 'Certificate' },
      { name: 'X_509CertificateIssuer', value: name },
    ],
    storageStatusMask: anyStorageStatus,
    now,
  });
  const revoked = { all: [filter, { attribute: 'RevocationReason', fields: [] }] };
  const { ids, total } = await work.find({ filter: revoked, offset: 0, limit: maxEntries });
  requireRoom(total);
  const issuer = fingerprintOf(issuerCertificate.details.publicKey, crypto);
  const entries = new Map<string, RevokedEntry>();
  for (const id of ids) {
    const record = await work.records.load(issuedCertificateKind, id);
    const issued = record && readJson<Issued>(record);
    // Certificates of other servers, of another key with that name, and expired ones are omitted.
    if (issued?.issuer !== issuer || issued.notAfter + maxListSeconds <= now) continue;
    const object = await work.load(id);
    const entry = object && entryOf(object);
    if (entry !== undefined && entry.serialNumber.toHex() === issued.serial)
      entries.set(issued.serial, entry);
  }
  for (const { content } of await work.records.list(revokedKind, maxEntries + 1)) {
    const { serial, issuer: its, date } = readJson<RevokedSerial>(content);
    if (its !== issuer || entries.has(serial)) continue;
    entries.set(serial, { serialNumber: Uint8Array.fromHex(serial), reason: 'Unspecified', date });
  }
  requireRoom(entries.size);
  return [...entries.values()];
}

function requireRoom(entries: number): void {
  if (entries > maxEntries) {
    throw new NoRevocationListError(
      `${entries} certificates of the issuer are revoked, a list holds ${maxEntries}: go on with a new issuer`,
    );
  }
}

function entryOf(object: ManagedObject): RevokedEntry | undefined {
  const { attributes } = object;
  const serialNumber = serialOf(object);
  const reason = attributes.get('RevocationReason')?.RevocationReasonCode;
  const compromised = attributes.get('CompromiseDate');
  const date = compromised ?? attributes.get('DeactivationDate');
  if (serialNumber === undefined || reason === undefined || date === undefined) return undefined;
  const invalidSince = compromised === undefined ? undefined : attributes.get('CompromiseOccurrenceDate');
  return { serialNumber, reason, date, invalidSince };
}

function serialOf({ attributes }: ManagedObject): Uint8Array | undefined {
  return attributes.get('X_509CertificateIdentifier')?.CertificateSerialNumber;
}

function fingerprintOf(publicKey: Uint8Array, crypto: RevocationContext['crypto']): string {
  return crypto.digest('SHA_256', publicKey).toHex();
}

import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import type { RevokedEntry } from '../../crypto/certification.ts';
import type { PlainKey } from '../../crypto/plain-key.ts';
import { anyStorageStatus, locateFilter } from '../../object/locate-filter.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context } from '../context.ts';
import { plainKeyIn } from '../key-pairs.ts';
import { keyFingerprint } from '../record-identifiers.ts';
import {
  findIssued,
  listRevoked,
  maxListSeconds,
  revocationIn,
  revokeSerial,
} from '../revocation-records.ts';
import { type Authority, findIssuer } from './issuers.ts';

/** The content of revocation lists (docs/decisions/19-certification.md). */

type RevocationContext = Pick<Context, 'work' | 'crypto' | 'now'>;

/** Entries of one list, each of some 40 bytes; clients read a list whole. */
const maxEntries = 10_000;

/**
 * Revokes a certificate of the issuer with that certificate by its serial number (big-endian), also when the
 * record alone is left of it. Returns its subject, empty for records of older versions; undefined when the
 * group has no such issuer or the issuer no such certificate.
 */
export async function revokeBySerial(
  id: string,
  serial: Uint8Array,
  context: RevocationContext,
): Promise<string | undefined> {
  const issuer = await findIssuer(id, context);
  return issuer && revokeSerial(issuer.issuerCertificate.details.publicKey, serial, context);
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
  const { ids } = await work.find({ filter: revoked, offset: 0, limit: maxEntries + 1 });
  requireSpace(ids.length);
  const issuer = keyFingerprint(issuerCertificate.details.publicKey, crypto);
  const entries = new Map<string, RevokedEntry>();
  // Objects that older versions revoked have no record of their own.
  for (const id of ids) {
    const object = await work.load(id);
    const issued = object && (await findIssued(object, context));
    // Certificates of other servers, of another key with that name, and expired ones are omitted.
    if (issued?.issuer !== issuer || issued.notAfter + maxListSeconds <= now) continue;
    const { reason = 'Unspecified', ...revocation } = revocationIn(object as ManagedObject) ?? { date: now };
    entries.set(issued.serial, { ...revocation, reason, serialNumber: Uint8Array.fromHex(issued.serial) });
  }
  for (const entry of await listRevoked(issuer, maxEntries + 1, context))
    entries.set(entry.serialNumber.toHex(), entry);
  requireSpace(entries.size);
  return [...entries.values()];
}

function requireSpace(entries: number): void {
  if (entries > maxEntries) {
    throw new NoRevocationListError(
      `${entries} certificates of the issuer are revoked, a list holds ${maxEntries}: go on with a new issuer`,
    );
  }
}

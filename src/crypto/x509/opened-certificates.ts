import { hash, X509Certificate } from 'node:crypto';
import { type DerNode, findTagged, InvalidDerError, parseCertificate, readSequence } from '../asn1/der.ts';
import { requireStrictDer } from '../asn1/strict-der.ts';
import { InvalidCertificateError } from '../errors.ts';
import { readComparableParts } from './certificate-names.ts';

/** Certificates as OpenSSL and asn1js have read them. */

/** Issuer and subject as texts that are equal when the names are equal by RFC 5280 §7.1. */
export interface CertificateNames {
  readonly issuer: string;
  readonly subject: string;
}

/** A certificate that both libraries can read. */
export interface OpenedCertificate {
  readonly certificate: X509Certificate;
  readonly names: CertificateNames;
  /** Results of functions that read the certificate, by the function. */
  readonly results: Map<unknown, unknown>;
  readonly bytes: number;
}

/**
 * Certificates that were read last, by SHA-256. One message reads the certificates of a chain many times, and
 * asn1js needs some milliseconds for a long one.
 */
const recent = new Map<string, OpenedCertificate>();
const maxRecent = 512;
const maxRecentBytes = 2 * 2 ** 20;
let recentBytes = 0;

/**
 * Opens a certificate with OpenSSL.
 * @throws {InvalidCertificateError} when OpenSSL or asn1js cannot read its DER, so that both read the same
 */
export function openCertificate(der: Uint8Array): OpenedCertificate {
  const id = hash('sha256', der, 'hex');
  const known = recent.get(id) ?? { ...open(der), results: new Map(), bytes: der.length };
  if (recent.delete(id)) recentBytes -= known.bytes;
  recent.set(id, known);
  recentBytes += known.bytes;
  for (const [oldest, { bytes }] of recent) {
    if (recent.size <= maxRecent && recentBytes <= maxRecentBytes) break;
    recent.delete(oldest);
    recentBytes -= bytes;
  }
  return known;
}

/**
 * Returns what `read` finds in a certificate, computed once as long as the certificate is remembered. The
 * result is shared and must not be changed.
 * @throws {InvalidCertificateError} as `openCertificate`, and what `read` throws
 */
export function readOnce<T>(der: Uint8Array, read: (der: Uint8Array, opened: OpenedCertificate) => T): T {
  const opened = openCertificate(der);
  if (!opened.results.has(read)) opened.results.set(read, read(der, opened));
  return opened.results.get(read) as T;
}

function open(der: Uint8Array): Pick<OpenedCertificate, 'certificate' | 'names'> {
  try {
    requireStrictDer(der);
    return { names: readNames(der), certificate: new X509Certificate(der) };
  } catch {
    throw new InvalidCertificateError('the certificate is not X.509 in DER');
  }
}

function readNames(certificate: Uint8Array): CertificateNames {
  const fields = readSequence(readSequence(parseCertificate(certificate))[0]);
  const [, , issuer, , subject] = findTagged(fields.slice(0, 1), 0) ? fields.slice(1) : fields;
  if (issuer === undefined || subject === undefined) throw new InvalidDerError('its names are missing');
  const text = (name: DerNode) => readComparableParts(name).join();
  return { issuer: text(issuer), subject: text(subject) };
}

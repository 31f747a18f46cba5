import { X509Certificate } from 'node:crypto';
import { fingerprintOf } from '../identity/certificate.ts';

/** Fields of parameters with verifiers of passwords, fingerprints of codes, and encrypted secrets. */
const secretFields: ReadonlySet<string> = new Set(['password', 'hashed', 'codes', 'input', 'secret']);
/** The name of the attribute of a PKCS #11 URI that holds a PIN (RFC 7512, section 2.4). */
export const pinAttribute = /pin(?:-|%2d)value\s*=/i;
/** With the PIN, which `&` or the end of the URI ends. */
const pins = new RegExp(`(${pinAttribute.source})[^&]*`, 'gi');
/** Characters of a subject that are shown. */
const maxSubject = 256;

/**
 * Returns plain data as administrators and the audit log see it: the values of secret fields, at any depth,
 * are true, PINs in texts are left out, and subject and fingerprint stand for a certificate.
 */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value === 'string') return value.replace(pins, '$1…');
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, describeField(key, each)]));
}

function describeField(key: string, value: unknown): unknown {
  if (secretFields.has(key)) return true;
  return key === 'certificate' && typeof value === 'string'
    ? describeCertificate(value)
    : withoutSecrets(value);
}

/** Describes the first certificate of a PEM text; the SHA-256 fingerprint is lower-case hexadecimal. */
function describeCertificate(pem: string): { readonly subject: string; readonly fingerprint: string } {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    return { subject: 'unreadable', fingerprint: '' };
  }
  // Characters that could reorder or hide a part of what a terminal shows.
  const subject = certificate.subject.replaceAll('\n', ', ').replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
  return { subject: subject.slice(0, maxSubject), fingerprint: fingerprintOf(certificate) };
}

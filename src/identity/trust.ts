import { X509Certificate } from 'node:crypto';
import type { Client } from './principal.ts';

/**
 * Returns the trust anchors for TLS (PEM): the authorities, and every enrolled certificate that none of them
 * issued, with the issuers it was enrolled with. Trust in TLS authorises no client: the directory does that.
 * Certificates of disabled clients are left out.
 */
export function trustAnchors(authorities: readonly string[], clients: readonly Client[]): readonly string[] {
  const issuers = authorities.map((pem) => new X509Certificate(pem));
  const pinned = clients.filter(
    ({ disabled, certificate }) => !disabled && !isIssuedByAny(certificate, issuers),
  );
  return [...authorities, ...pinned.map(({ certificate }) => certificate)];
}

function isIssuedByAny(pem: string, issuers: readonly X509Certificate[]): boolean {
  const certificate = new X509Certificate(pem);
  return issuers.some((issuer) => isSignedByIssuer(certificate, issuer));
}

/**
 * Whether `issuer` is named as the issuer of the certificate and its key verifies the signature. Whether the
 * issuer may sign certificates is another question: a certificate that signed itself needs no such right.
 */
export function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  if (certificate.issuer !== issuer.subject) return false;
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

/** Whether `issuer` signed the certificate and may sign certificates. */
function isSignedByIssuer(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && isSignedBy(certificate, issuer);
}

/**
 * Whether a certificate is one of the anchors or issued by one; the anchors of `trustAnchors` need no longer
 * chains. For connections that the server opens, where Node would insist on a certificate for TLS servers.
 */
export function isTrusted(
  certificate: X509Certificate,
  anchors: readonly X509Certificate[],
  now: Date,
): boolean {
  return anchors.some(
    (anchor) =>
      now >= anchor.validFromDate &&
      now <= anchor.validToDate &&
      (anchor.raw.equals(certificate.raw) || (anchor.ca && isSignedByIssuer(certificate, anchor))),
  );
}

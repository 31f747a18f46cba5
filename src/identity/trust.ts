import { X509Certificate } from 'node:crypto';
import type { Client } from './principal.ts';

/**
 * What the TLS layer takes as anchors (PEM): the authorities, and every enrolled certificate that none of them issued,
 * because its client brought it along, with the certificates above it. Trust in TLS opens no door: who may speak is
 * asked of the directory. Certificates of disabled clients are left out.
 */
export function trustAnchors(authorities: readonly string[], clients: readonly Client[]): readonly string[] {
  const issuers = authorities.map((pem) => new X509Certificate(pem));
  const pinned = clients.filter(
    ({ disabled, certificate }) => !disabled && !issuedByOne(certificate, issuers),
  );
  return [...authorities, ...pinned.map(({ certificate }) => certificate)];
}

function issuedByOne(pem: string, issuers: readonly X509Certificate[]): boolean {
  const certificate = new X509Certificate(pem);
  return issuers.some((issuer) => signedBy(certificate, issuer));
}

export function signedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/**
 * Whether a certificate is one of the anchors or issued by one: what `trustAnchors` gives needs no longer chains. For
 * connections that the server opens: there Node insists on a certificate for servers, and clients have theirs for clients.
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
      (anchor.raw.equals(certificate.raw) || (anchor.ca && signedBy(certificate, anchor))),
  );
}

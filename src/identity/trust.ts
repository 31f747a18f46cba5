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

/** Certificates between a peer's own and an authority; more are not looked at. */
const longestChain = 8;

/**
 * Whether a certificate is one of the anchors or leads to one by the chain that came with it. For connections that the
 * server opens: there Node insists on a certificate for servers, and clients have theirs for clients.
 */
export function leadsTo(
  certificate: X509Certificate,
  anchors: readonly X509Certificate[],
  now: Date,
): boolean {
  let at: X509Certificate | undefined = certificate;
  for (let depth = 0; at !== undefined && depth < longestChain; depth++) {
    const current: X509Certificate = at;
    if (now < current.validFromDate || now > current.validToDate) return false;
    if (anchors.some((anchor) => anchor.raw.equals(current.raw))) return true;
    if (anchors.some((anchor) => anchor.ca && now <= anchor.validToDate && signedBy(current, anchor)))
      return true;
    const issuer: X509Certificate | undefined = current.issuerCertificate;
    at = issuer?.ca && signedBy(current, issuer) ? issuer : undefined;
  }
  return false;
}

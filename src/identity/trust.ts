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

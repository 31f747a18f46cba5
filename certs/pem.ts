import { CertificateRefusedError } from './keys.ts';

/**
 * Splits a PEM text into its certificates, each as separate PEM, in order; other content is ignored. `where`
 * names the source in error messages.
 *
 * @throws {CertificateRefusedError} when there is no certificate.
 */
export function splitCertificates(text: string, where: string): readonly string[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw new CertificateRefusedError(`${where} contains no certificate in PEM form`);
  return found.map((pem) => `${pem}\n`);
}

import { CertificateRefusedError } from './keys.ts';

/** The certificates of a PEM text, each as PEM of its own, in their order; whatever stands around them is dropped. */
export function splitCertificates(text: string, where: string): readonly string[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw new CertificateRefusedError(`${where} holds no certificate in PEM form`);
  return found.map((pem) => `${pem}\n`);
}

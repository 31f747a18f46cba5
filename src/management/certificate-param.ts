import { X509Certificate } from 'node:crypto';
import { splitCertificates } from '../../certs/pem.ts';
import { RequestError } from './errors.ts';
import { type Reader, textParam } from './readers.ts';

/** Characters of a certificate with its chain; a request is not much longer. */
const maxCertificateText = 200_000;
const isPrintable = (value: string): boolean => /^[\n\r -~]+$/.test(value);
const certificateText = textParam(maxCertificateText, isPrintable);

/** Certificates in PEM (RFC 7468) with white space around them. */
const onlyCertificates = /^\s*(?:-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+$/;

/**
 * Reads a certificate in PEM, which its chain may follow. Other text is refused: what is stored and shown to
 * who approves it would be read as a certificate by one program and passed over by another.
 */
export const certificateParam: Reader<string> = (value, name) => {
  const text = certificateText(value, name);
  if (onlyCertificates.test(text) && splitCertificates(text, name).every(isReadable)) return text;
  throw new RequestError(
    `${name} must be certificates in PEM that can be read, with nothing but white space around them`,
  );
};

function isReadable(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

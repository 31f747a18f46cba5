import { createPrivateKey, X509Certificate } from 'node:crypto';
import { splitCertificates } from '../../certs/pem.ts';
import { CommandError } from '../cli/failure.ts';
import { readRequiredFile } from '../cli/state-directory/state-directory.ts';

/** The server's certificate and key as an operator may have put them there. */

/** Certificates that end within this time are reported at every start and reload. */
const warnBeforeExpiryMilliseconds = 30 * 86_400_000;

/** TLS servers, and every use (RFC 5280 §4.2.1.12). */
const serverUses = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0'];

/** Something wrong with a certificate with which the daemon starts all the same. */
export interface CertificateFlaw {
  readonly file: string;
  readonly subject: string;
  /** One line, such as "has ended". */
  readonly flaw: string;
  readonly ends: Date;
}

/** The files of the server, read and found to belong together. */
export interface ServerMaterial {
  /** PEM of the certificate and the issuers after it. */
  readonly cert: string;
  /** PEM of the private key. */
  readonly key: string;
  /** The server's own certificate first. */
  readonly certificates: readonly X509Certificate[];
  readonly flaws: readonly CertificateFlaw[];
}

/**
 * Reads the certificate and the key of the server.
 * @throws {CommandError} when a file is missing, in another form, or does not belong to the other.
 */
export function readServerMaterial(paths: {
  readonly certificate: string;
  readonly key: string;
}): ServerMaterial {
  const cert = readPem(paths.certificate, 'the certificate of the server', 'x509 -inform DER');
  const key = readPem(paths.key, 'the key of the server', 'pkey -inform DER');
  const certificates = splitCertificates(cert, paths.certificate).map((pem) => parse(pem, paths.certificate));
  requirePlainKey(key, paths.key);
  requireFirst(certificates, key, paths);
  return { cert, key, certificates, flaws: findServerFlaws(certificates, paths.certificate) };
}

/** Reads a file that must be PEM; `conversion` is the command of openssl that makes PEM of DER. */
function readPem(file: string, what: string, conversion: string): string {
  const text = readRequiredFile(file, what, 'restore it, or change it in the configuration');
  const derSequence = '\x30';
  if (text.startsWith(derSequence))
    throw new CommandError(`${file} is DER, not PEM; convert it: openssl ${conversion} -in ${file} -out NEW`);
  return text;
}

function parse(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new CommandError(`${file} contains a certificate that cannot be read`);
  }
}

function requirePlainKey(pem: string, file: string): void {
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: *4, *ENCRYPTED/.test(pem))
    throw new CommandError(
      `${file} is encrypted, and kmipd asks for no passphrase; decrypt it: openssl pkey -in ${file} -out NEW`,
    );
  try {
    createPrivateKey(pem);
  } catch {
    throw new CommandError(`${file} contains no private key in PEM form`);
  }
}

/** Requires that the first certificate is that of the key. */
function requireFirst(
  certificates: readonly X509Certificate[],
  keyPem: string,
  paths: { readonly certificate: string; readonly key: string },
): void {
  const key = createPrivateKey(keyPem);
  const at = certificates.findIndex((certificate) => certificate.checkPrivateKey(key));
  if (at === 0) return;
  throw new CommandError(
    at === -1
      ? `${paths.key} is not the private key of ${paths.certificate}; put the two that belong together there`
      : `${paths.certificate} is in the wrong order: the server's own certificate, number ${at + 1} in it, must be the first`,
  );
}

function findServerFlaws(certificates: readonly X509Certificate[], file: string): CertificateFlaw[] {
  const [own] = certificates;
  const flaws = certificates.flatMap((certificate) => findFlawsOfDates(certificate, file, new Date()));
  const report = (certificate: X509Certificate, flaw: string) => flaws.push(flawOf(certificate, file, flaw));
  if (own !== undefined && !(own.keyUsage ?? serverUses).some((use) => serverUses.includes(use)))
    report(own, 'is not for TLS servers by its Extended Key Usage: clients refuse it');
  for (const [index, certificate] of certificates.entries()) {
    const next = certificates[index + 1];
    if (next !== undefined && !certificate.checkIssued(next))
      report(certificate, 'is not followed by its issuer: clients may not find the chain');
  }
  return flaws;
}

/** Tells whether a certificate of `file` has ended, ends soon or is not valid yet. */
export function findFlawsOfDates(certificate: X509Certificate, file: string, now: Date): CertificateFlaw[] {
  const { validFromDate: begins, validToDate: ends } = certificate;
  if (ends < now) return [flawOf(certificate, file, 'has ended')];
  if (begins > now) return [flawOf(certificate, file, `is not valid before ${begins.toISOString()}`)];
  const isSoon = ends.getTime() - now.getTime() < warnBeforeExpiryMilliseconds;
  return isSoon ? [flawOf(certificate, file, 'ends soon')] : [];
}

function flawOf(certificate: X509Certificate, file: string, flaw: string): CertificateFlaw {
  return { file, subject: certificate.subject.replaceAll('\n', ', '), flaw, ends: certificate.validToDate };
}

import { randomBytes, X509Certificate } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type IssuedCertificate, privateKeyToPem } from '../../../certs/keys.ts';
import { splitCertificates } from '../../../certs/pem.ts';
import { createPkcs12, type Pkcs12Encryption, passwordIterations } from '../../../certs/pkcs12.ts';
import { writeFileAtomically } from '../../common/durable-file.ts';
import { readTextFile } from '../../common/regular-file.ts';
import { fingerprintOf } from '../../identity/certificate.ts';
import { CommandError } from '../failure.ts';
import { makeDirectory } from './state-directory.ts';

/** The contents of a client's files besides its certificate and key. */
export interface ClientFilesOptions {
  /** Name of the client, and friendly name in the PKCS#12 file. */
  readonly name: string;
  /** PEM of the authorities by which the client verifies the server. */
  readonly authorities: string;
  readonly encryption: Pkcs12Encryption;
  /** Password of the PKCS#12 file; undefined: a random one, in a file beside it. */
  readonly password?: string | undefined;
}

/**
 * Rounds where more are of no use: a random password of more than 100 bits cannot be guessed, and what
 * imports the algorithms of 1999 only is as old as they are. Some importers refuse more than 300,000.
 */
const fewIterations = 10_000;

/** The files of a client, in the order in which they are written. */
const clientFiles = ['ca.pem', 'cert.pem', 'key.pem', 'client.pem', 'client.p12', 'client.p12.password'];

/** The files that `client add` must not overwrite, because they contain a key that exists nowhere else. */
const irreplaceableFiles = ['key.pem', 'client.pem', 'client.p12'];

/**
 * A file that exists from before the first file with a key until the client is enrolled. It holds the
 * fingerprint of the certificate: while no client is enrolled by it, the files belong to a command that was
 * interrupted.
 */
const unfinishedMarker = 'enrolment-unfinished';

/** Marks the files of a client as those of an enrolment that is not complete. */
export function beginEnrolment(directory: string, fingerprint: string): void {
  makeDirectory(directory);
  writeFileAtomically(join(directory, unfinishedMarker), `${fingerprint}\n`, 0o600);
}

/** Removes the mark after the client with that fingerprint was enrolled; the mark of another one stays. */
export function endEnrolment(directory: string, fingerprint: string): void {
  if (readMarker(directory) === fingerprint) rmSync(join(directory, unfinishedMarker));
}

/** Returns the fingerprint of the enrolment that is not complete; undefined when there is none. */
function readMarker(directory: string): string | undefined {
  const marker = join(directory, unfinishedMarker);
  return existsSync(marker) ? readTextFile(marker, 'note').trim() : undefined;
}

/**
 * Checks that a directory contains no client's key, but for those of an enrolment that was interrupted.
 * @throws {CommandError} when it does.
 */
export async function requireNoClientKey(
  directory: string,
  isEnrolled: (fingerprint: string) => Promise<boolean>,
): Promise<void> {
  const fingerprint = readMarker(directory);
  if (fingerprint !== undefined && !(await isEnrolled(fingerprint))) return;
  for (const file of irreplaceableFiles) {
    if (!existsSync(join(directory, file))) continue;
    throw new CommandError(
      `${join(directory, file)} exists already; remove it or give another directory with --out`,
    );
  }
}

/**
 * Returns the names of the files in a directory that belong to the client with that certificate; none when
 * `cert.pem` is missing or another certificate.
 */
export function findClientFiles(directory: string, fingerprint: string): readonly string[] {
  const certificate = join(directory, 'cert.pem');
  if (!existsSync(certificate) || readFingerprint(certificate) !== fingerprint) return [];
  return clientFiles.filter((file) => existsSync(join(directory, file)));
}

function readFingerprint(file: string): string | undefined {
  const pem = readTextFile(file, 'certificates');
  try {
    return fingerprintOf(new X509Certificate(pem));
  } catch {
    return undefined;
  }
}

/** Writes the files of a client with a new key: its identity in each of the formats that products import. */
export function writeClientFiles(
  directory: string,
  client: IssuedCertificate,
  options: ClientFilesOptions,
): void {
  const { encryption } = options;
  const key = privateKeyToPem(client.key);
  // Letters and digits only: people type the password into appliances, and Java requires ASCII.
  const password = options.password ?? randomBytes(15).toString('base64url').replaceAll(/[-_]/g, 'x');
  makeDirectory(directory);
  writeCertificates(directory, client.certificate, options.authorities);
  writeFileAtomically(join(directory, 'key.pem'), key, 0o600);
  writeFileAtomically(join(directory, 'client.pem'), client.certificate + key, 0o600);
  const archive = createPkcs12({
    ...client,
    authorities: splitCertificates(options.authorities, 'ca.pem'),
    friendlyName: options.name,
    password,
    encryption,
    iterations: options.password === undefined || encryption === '3des' ? fewIterations : passwordIterations,
  });
  writeFileAtomically(join(directory, 'client.p12'), archive, 0o600);
  if (options.password === undefined)
    writeFileAtomically(join(directory, 'client.p12.password'), `${password}\n`, 0o600);
}

/**
 * Writes the files of a client that has its key; `certificate` is undefined when the client has that as well.
 */
export function writeCertificates(
  directory: string,
  certificate: string | undefined,
  authorities: string,
): void {
  makeDirectory(directory);
  writeFileAtomically(join(directory, 'ca.pem'), authorities, 0o644);
  if (certificate !== undefined) writeFileAtomically(join(directory, 'cert.pem'), certificate, 0o644);
}

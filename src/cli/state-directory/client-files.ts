import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type IssuedCertificate, privateKeyToPem } from '../../../certs/keys.ts';
import { splitCertificates } from '../../../certs/pem.ts';
import { createPkcs12, type Pkcs12Encryption } from '../../../certs/pkcs12.ts';
import { CommandError } from '../failure.ts';
import { makeDirectory, writeFileAtomically } from './state-directory.ts';

export interface ClientFilesOptions {
  /** Client's name, also the friendly name in the PKCS#12 file. */
  readonly name: string;
  /** PEM of the authorities that the client checks the server with. */
  readonly authorities: string;
  readonly encryption: Pkcs12Encryption;
  /** Password of the PKCS#12 file; left out: a random one, written beside it. */
  readonly password?: string | undefined;
}

/** Files that `client add` writes; the ones it must never overwrite are those nobody can make again. */
const irreplaceableFiles = ['key.pem', 'client.pem', 'client.p12'];

/** Refuses a directory that holds a client's key already. */
export function requireNoClientKey(directory: string): void {
  for (const file of irreplaceableFiles) {
    if (!existsSync(join(directory, file))) continue;
    throw new CommandError(
      `${join(directory, file)} exists already; remove it or give another directory with --out`,
    );
  }
}

/** Writes everything a client with a new key needs: the same identity in the forms that products ask for. */
export function writeClientFiles(
  directory: string,
  client: IssuedCertificate,
  options: ClientFilesOptions,
): void {
  const key = privateKeyToPem(client.key);
  // No ambiguous characters, ASCII only: people type it into appliances, and Java takes nothing else.
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
    encryption: options.encryption,
  });
  writeFileAtomically(join(directory, 'client.p12'), archive, 0o600);
  if (options.password === undefined)
    writeFileAtomically(join(directory, 'client.p12.password'), `${password}\n`, 0o600);
}

/** Writes what a client with a key of its own needs; `certificate` undefined: it has that too. */
export function writeCertificates(
  directory: string,
  certificate: string | undefined,
  authorities: string,
): void {
  makeDirectory(directory);
  writeFileAtomically(join(directory, 'ca.pem'), authorities, 0o644);
  if (certificate !== undefined) writeFileAtomically(join(directory, 'cert.pem'), certificate, 0o644);
}

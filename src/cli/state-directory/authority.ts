import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  generateKey,
  type IssuedCertificate,
  type KeyKind,
  openAuthority,
  privateKeyFromPem,
  privateKeyToPem,
} from '../../../certs/keys.ts';
import { splitCertificates } from '../../../certs/pem.ts';
import { writeFileAtomically } from '../../common/durable-file.ts';
import type { Config } from '../../config/index.ts';
import { makeDirectory, readRequiredFile, type StateDirectory } from './state-directory.ts';

// The library of issue.ts takes longer to load than the rest of a start, so only the issuance of certificates
// loads it.
const loadIssuer = () => import('../../../certs/issue.ts');

const fromBackup = 'restore it from a backup';

/**
 * Reads the certificate and the key of the state directory's own authority.
 * @throws {CommandError} when one of them is missing.
 */
export function readAuthority(stateDirectory: StateDirectory): IssuedCertificate {
  const { certificate, key } = stateDirectory.authority;
  const remedy = `${fromBackup}, or enrol clients by certificates of their own (--cert)`;
  const pem = readRequiredFile(certificate, 'the certificate of the authority', remedy);
  return openAuthority(
    pem,
    privateKeyFromPem(readRequiredFile(key, 'the key of the authority', remedy), key),
  );
}

/** A certificate (PEM) of a trusted authority and the file that holds it. */
export interface TrustedAuthority {
  readonly file: string;
  readonly pem: string;
}

/**
 * Reads the authorities that server and clients trust: the state directory's own first, then those of the
 * configuration.
 * @throws {CommandError} when a file is missing.
 */
export function readTrustedAuthorities(
  stateDirectory: StateDirectory,
  config: Config,
): readonly TrustedAuthority[] {
  const read = (file: string, what: string, remedy: string) =>
    splitCertificates(readRequiredFile(file, what, remedy), file).map((pem) => ({ file, pem }));
  const configured = config.tls.authorities.flatMap((file) =>
    read(file, 'the authority', 'restore it, or change tls.authorities'),
  );
  const own = stateDirectory.authority.certificate;
  return [...read(own, 'the certificate of the authority', fromBackup), ...configured];
}

/**
 * Creates the authority's key and certificate where they are missing; the key first, because the rest depends
 * on it.
 */
export async function completeAuthority(stateDirectory: StateDirectory, kind: KeyKind): Promise<void> {
  const { certificate, key } = stateDirectory.authority;
  if (!existsSync(key)) writeFileAtomically(key, privateKeyToPem(await generateKey(kind)), 0o600);
  if (existsSync(certificate)) return;
  const name = `kmipd CA of ${hostname()}`.slice(0, 64);
  const privateKey = privateKeyFromPem(readRequiredFile(key, 'the key of the authority', fromBackup), key);
  const { createAuthority } = await loadIssuer();
  writeFileAtomically(certificate, await createAuthority(name, privateKey), 0o644);
}

/**
 * Issues the server's certificate when it is missing, and generates its key, of the authority's kind, when
 * that is missing too. To renew the certificate, an operator deletes it and reloads.
 * @throws {CommandError} when the authority is missing.
 */
export async function completeServer(stateDirectory: StateDirectory, config: Config): Promise<void> {
  const { certificate, key, names } = config.tls;
  if (existsSync(certificate)) return;
  // A copy of a state directory may be without it, because everything in it can be made again.
  makeDirectory(join(stateDirectory.directory, 'server'));
  const authority = readAuthority(stateDirectory);
  const kind = authority.key.asymmetricKeyType === 'rsa' ? 'rsa' : 'ec';
  if (!existsSync(key)) writeFileAtomically(key, privateKeyToPem(await generateKey(kind)), 0o600);
  const privateKey = privateKeyFromPem(readRequiredFile(key, 'the key of the server', fromBackup), key);
  const subjects = new Set(['localhost', hostname(), '127.0.0.1', '::1', ...names]);
  const { issueServer } = await loadIssuer();
  writeFileAtomically(certificate, await issueServer(authority, privateKey, [...subjects]), 0o644);
}

import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import {
  generateKey,
  type IssuedCertificate,
  type KeyKind,
  openAuthority,
  privateKeyFromPem,
  privateKeyToPem,
} from '../../../certs/keys.ts';
import { splitCertificates } from '../../../certs/pem.ts';
import type { Config } from '../../config/index.ts';
import { readRequiredFile, type StateDirectory, writeFileAtomically } from './state-directory.ts';

// The library behind issue.ts takes longer to load than the rest of a start, so it is loaded only to make certificates.
const loadIssuer = () => import('../../../certs/issue.ts');

const fromBackup = 'restore it from a backup';

/** The home's own authority, ready to sign. Throws CommandError when a part of it is missing. */
export function readAuthority(stateDirectory: StateDirectory): IssuedCertificate {
  const { certificate, key } = stateDirectory.authority;
  const remedy = `${fromBackup}, or enrol clients by certificates of their own (--cert)`;
  const pem = readRequiredFile(certificate, 'the certificate of the authority', remedy);
  return openAuthority(
    pem,
    privateKeyFromPem(readRequiredFile(key, 'the key of the authority', remedy), key),
  );
}

/** PEM of all authorities that server and clients trust: the home's own, then those of the configuration. */
export function readTrustedAuthorities(stateDirectory: StateDirectory, config: Config): readonly string[] {
  const configured = config.tls.authorities.flatMap((file) =>
    splitCertificates(readRequiredFile(file, 'the authority', 'restore it, or change tls.authorities'), file),
  );
  const own = readRequiredFile(
    stateDirectory.authority.certificate,
    'the certificate of the authority',
    fromBackup,
  );
  return [...splitCertificates(own, stateDirectory.authority.certificate), ...configured];
}

/** Makes the authority's key and certificate where they are not there yet: the key first, the rest hangs on it. */
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
 * Makes the server's certificate when it is not there, and its key, of the authority's kind, when that is not there
 * either. Taking the certificate away and reloading therefore renews it.
 */
export async function completeServer(stateDirectory: StateDirectory, config: Config): Promise<void> {
  const { certificate, key, names } = config.tls;
  if (existsSync(certificate)) return;
  const authority = readAuthority(stateDirectory);
  const kind = authority.key.asymmetricKeyType === 'rsa' ? 'rsa' : 'ec';
  if (!existsSync(key)) writeFileAtomically(key, privateKeyToPem(await generateKey(kind)), 0o600);
  const privateKey = privateKeyFromPem(readRequiredFile(key, 'the key of the server', fromBackup), key);
  const subjects = new Set(['localhost', hostname(), '127.0.0.1', '::1', ...names]);
  const { issueServer } = await loadIssuer();
  writeFileAtomically(certificate, await issueServer(authority, privateKey, [...subjects]), 0o644);
}

import { existsSync, statSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, checkServerIdentity, getCACertificates } from 'node:tls';
import type { PostgresUrl, SslMode } from '../common/postgres-url.ts';
import { describeFileError, readTextFile } from '../common/regular-file.ts';
import { StoreUnavailableError } from './store.ts';

/** Encryption of the connection to one server, and verification of the server's certificate. */

/** TLS or none on one connection. */
export type Encryption = false | ConnectionOptions;

/** The ways of encryption to one server, and what to add to the failures of all of them. */
export interface EncryptionChoice {
  /** In the order in which they are tried; at least one. */
  readonly encryptions: readonly Encryption[];
  /** What the operator can do when TLS fails that nobody asked for; undefined when somebody did. */
  readonly advice: string | undefined;
}

/**
 * The ways of encryption to a server, in the order of libpq (PostgreSQL manual, table 34.1). A Unix-domain
 * socket has no TLS. Without `sslmode`, `prefer` is meant on this host, as in libpq, and `verify-full` beyond
 * it.
 *
 * @param host name, address, or directory of a socket
 * @throws {StoreUnavailableError} when a file of the URI cannot be read, or a root certificate is missing.
 */
export function chooseEncryption(host: string, url: PostgresUrl): EncryptionChoice {
  const mode = url.sslMode ?? (isOnThisHost(host) ? 'prefer' : 'verify-full');
  const advice =
    url.sslMode === undefined && mode === 'verify-full'
      ? `"${host}" is another host and neither the URL nor PGSSLMODE states an sslmode, so TLS and a valid certificate are required: ` +
        'name the authority by sslrootcert=FILE (or sslrootcert=system), or put sslmode=disable into the URL ' +
        'on purpose'
      : undefined;
  if (host.startsWith('/') || mode === 'disable') return { encryptions: [false], advice };
  const encrypted = tlsOptions(host, mode, url, advice);
  if (mode === 'allow') return { encryptions: [false, encrypted], advice };
  return { encryptions: mode === 'prefer' ? [encrypted, false] : [encrypted], advice };
}

/** Whether a failure of a connection concerns TLS or the certificate of the server. */
export function isTlsFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return (
    /SSL connections/.test(error.message) ||
    /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|CRL_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|INVALID_|PATH_LENGTH|HOSTNAME_)/.test(
      code,
    )
  );
}

function isOnThisHost(host: string): boolean {
  return (
    host.startsWith('/') ||
    host === 'localhost' ||
    host === '::1' ||
    (isIPv4(host) && host.startsWith('127.'))
  );
}

/**
 * `require` verifies the chain where there is a root certificate, as libpq does for the sake of old settings.
 */
function tlsOptions(
  host: string,
  mode: SslMode,
  url: PostgresUrl,
  advice: string | undefined,
): ConnectionOptions {
  const ca = rootCertificates(mode, url, advice);
  const client = clientCertificate(url);
  if (ca === undefined || mode === 'allow' || mode === 'prefer')
    return { ...client, rejectUnauthorized: false };
  const crl = readFileOf('sslcrl', url.sslRevocationList, 'root.crl');
  return {
    ...client,
    ca,
    ...(crl !== undefined && { crl }),
    rejectUnauthorized: true,
    checkServerIdentity: (_, certificate) =>
      mode === 'verify-full' ? checkServerIdentity(host, certificate) : undefined,
  };
}

/** The client's own certificate and key; a key is read only for a certificate, as by libpq. */
function clientCertificate(url: PostgresUrl): Pick<ConnectionOptions, 'cert' | 'key'> {
  const cert = readFileOf('sslcert', url.sslCertificate, 'postgresql.crt');
  if (cert === undefined) return {};
  const file = url.sslKey ?? defaultFile('postgresql.key');
  const key = readPem(file, 'sslkey');
  const { uid, mode } = statSync(file);
  if ((mode & (uid === 0 ? 0o037 : 0o077)) !== 0)
    throw new StoreUnavailableError(
      `sslkey ${file} of the store can be read or changed by others: chmod 600 (or 640 where root owns it)`,
    );
  return { cert, key };
}

/** Reads the stated file, or else the default one where it exists. */
function readFileOf(parameter: string, stated: string | undefined, name: string): string | undefined {
  const file = stated ?? defaultFile(name);
  return stated !== undefined || existsSync(file) ? readPem(file, parameter) : undefined;
}

/** The path of a file that libpq reads without being told to. */
const defaultFile = (name: string): string => join(homedir(), '.postgresql', name);

/** Root certificates in PEM; undefined: there are none, and the mode does without. */
function rootCertificates(
  mode: SslMode,
  url: PostgresUrl,
  advice: string | undefined,
): string | string[] | undefined {
  if (url.sslRootCertificate === 'system') return getCACertificates('system');
  const found = readFileOf('sslrootcert', url.sslRootCertificate, 'root.crt');
  if (found !== undefined) return found;
  if (mode !== 'verify-ca' && mode !== 'verify-full') return undefined;
  throw new StoreUnavailableError(
    advice === undefined
      ? `sslmode=${mode} needs the certificate of the authority: name it by sslrootcert=FILE, or sslrootcert=system`
      : `cannot open the store: ${advice}`,
  );
}

function readPem(file: string, parameter: string): string {
  try {
    return readTextFile(file, 'certificates');
  } catch (error) {
    const reason = describeFileError(error) ?? (error as NodeJS.ErrnoException).code;
    throw new StoreUnavailableError(`cannot read ${parameter} ${file} of the store: ${reason}`);
  }
}

import { existsSync } from 'node:fs';
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
  /** What the operator can do when TLS fails that the URI did not ask for; undefined when it did. */
  readonly advice: string | undefined;
}

/**
 * The ways of encryption to a server, in the order of libpq (PostgreSQL manual, table 34.1). A Unix-domain
 * socket has no TLS. A URI without `sslmode` means `prefer` on this host, as in libpq, and `verify-full`
 * beyond it.
 *
 * @param host name, address, or directory of a socket
 * @throws {StoreUnavailableError} when a file of the URI cannot be read, or a root certificate is missing.
 */
export function chooseEncryption(host: string, url: PostgresUrl): EncryptionChoice {
  const mode = url.sslMode ?? (isOnThisHost(host) ? 'prefer' : 'verify-full');
  const advice =
    url.sslMode === undefined && mode === 'verify-full'
      ? `"${host}" is another host and the URL has no sslmode, so TLS and a valid certificate are required: ` +
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
  const client = {
    ...(url.sslCertificate !== undefined && { cert: readPem(url.sslCertificate, 'sslcert') }),
    ...(url.sslKey !== undefined && { key: readPem(url.sslKey, 'sslkey') }),
  };
  if (ca === undefined || mode === 'allow' || mode === 'prefer')
    return { ...client, rejectUnauthorized: false };
  return {
    ...client,
    ca,
    rejectUnauthorized: true,
    checkServerIdentity: (_, certificate) =>
      mode === 'verify-full' ? checkServerIdentity(host, certificate) : undefined,
  };
}

/** Root certificates in PEM; undefined: there are none, and the mode does without. */
function rootCertificates(
  mode: SslMode,
  url: PostgresUrl,
  advice: string | undefined,
): string | string[] | undefined {
  const file = url.sslRootCertificate ?? join(homedir(), '.postgresql', 'root.crt');
  if (file === 'system') return getCACertificates('system');
  if (url.sslRootCertificate !== undefined || existsSync(file)) return readPem(file, 'sslrootcert');
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

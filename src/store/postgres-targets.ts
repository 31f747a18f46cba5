import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, checkServerIdentity, getCACertificates } from 'node:tls';
import pg from 'pg';
import {
  type PostgresHost,
  type PostgresUrl,
  parsePostgresUrl,
  type SslMode,
} from '../common/postgres-url.ts';
import { prepareSession, toStoreError, typeParsers } from './postgres-session.ts';
import { StoreUnavailableError } from './store.ts';

/** The servers of a connection URI, of which one is in use: the first that can be written to. */

const maxConnectMilliseconds = 5_000;
/**
 * A server that accepts connections and then hangs counts as away, so that it does not block every client.
 */
const maxStatementMilliseconds = 30_000;

/** TLS or none on one connection. */
type Encryption = false | ConnectionOptions;

/** One server and the way to encrypt the connection to it. */
interface Target {
  readonly settings: pg.ClientConfig;
  /** The server without the names of users and databases, for messages. */
  readonly place: string;
}

/** Chooses among the servers and ways of encryption that a URI allows, in their order. */
export class PostgresTargets {
  readonly #targets: readonly Target[];
  #chosen: Target | undefined;
  #choice: Promise<void> | undefined;
  readonly #place: string;

  /** @throws {StoreUnavailableError} for a URI that is not one, or a certificate that cannot be read. */
  constructor(uri: string) {
    const url = parsePostgresUrl(uri);
    if (typeof url === 'string') throw new StoreUnavailableError(`the URL of the store ${url}`);
    this.#targets = targetsOf(url);
    this.#place = describeLocation(url);
  }

  /** All servers and the database, for messages: no user, no password. */
  get place(): string {
    return this.#place;
  }

  /** The settings for a new connection to the server in use; `choose` must have resolved before. */
  get settings(): pg.ClientConfig {
    if (this.#chosen === undefined) throw new TypeError('no server has been chosen');
    return this.#chosen.settings;
  }

  /**
   * Chooses the first server that accepts a connection and writes; calls at the same time share one choice.
   * @throws {StoreUnavailableError} when there is none: the reason of the first.
   */
  choose(): Promise<void> {
    this.#choice ??= this.#chooseFirst().finally(() => {
      this.#choice = undefined;
    });
    return this.#choice;
  }

  async #chooseFirst(): Promise<void> {
    let first: Error | undefined;
    for (const target of this.#targets) {
      try {
        await tryConnection(target);
        this.#chosen = target;
        return;
      } catch (error) {
        const failure = toStoreError(error, `cannot open ${target.place}`, target.settings);
        first = moreTelling(first, failure);
      }
    }
    throw first;
  }

  /**
   * Chooses again after a failure of the store, and returns whether another attempt is worthwhile: the server
   * in use has gone or does not write any more, and another one does.
   */
  async chooseAfter(error: Error): Promise<boolean> {
    if (this.#targets.length === 1 || !(error instanceof StoreUnavailableError)) return false;
    const before = this.#chosen;
    await this.choose();
    return this.#chosen !== before;
  }
}

/** Of the failures of two attempts the one that tells more: that a server does without TLS tells nothing. */
function moreTelling(first: Error | undefined, second: Error): Error {
  return first === undefined || /SSL connections/.test(first.message) ? second : first;
}

async function tryConnection({ settings, place }: Target): Promise<void> {
  const client = new pg.Client(settings);
  client.on('error', () => {});
  try {
    await client.connect();
    await prepareSession(client, place);
  } finally {
    await client.end().catch(() => {});
  }
}

function targetsOf(url: PostgresUrl): readonly Target[] {
  const mode = url.sslMode;
  return url.hosts.flatMap((host) =>
    encryptionsOf(host, mode, url).map((ssl) => ({
      place: describeLocation({ ...url, hosts: [host] }),
      settings: {
        ...(host.host !== undefined && { host: host.host }),
        ...(host.port !== undefined && { port: host.port }),
        ...(url.user !== undefined && { user: url.user }),
        ...(url.password !== undefined && { password: url.password }),
        ...(url.database !== undefined && { database: url.database }),
        ...(url.options !== undefined && { options: url.options }),
        ssl,
        application_name: url.applicationName ?? 'kmipd',
        connectionTimeoutMillis: (url.connectTimeoutSeconds ?? 0) * 1000 || maxConnectMilliseconds,
        query_timeout: maxStatementMilliseconds,
        keepAlive: true,
        types: typeParsers,
      },
    })),
  );
}

/** The ways of encryption in the order of libpq (PostgreSQL manual, table 34.1); a socket has no TLS. */
function encryptionsOf(host: PostgresHost, mode: SslMode, url: PostgresUrl): readonly Encryption[] {
  if (host.host?.startsWith('/') === true || mode === 'disable') return [false];
  const encrypted = tlsOptions(host, mode, url);
  if (mode === 'allow') return [false, encrypted];
  return mode === 'prefer' ? [encrypted, false] : [encrypted];
}

/**
 * `require` verifies the chain where there is a root certificate, as libpq does for the sake of old settings.
 * @throws {StoreUnavailableError} when a file cannot be read
 */
function tlsOptions({ host }: PostgresHost, mode: SslMode, url: PostgresUrl): ConnectionOptions {
  const ca = rootCertificates(mode, url);
  const client = {
    ...(url.sslCertificate !== undefined && { cert: readPem(url.sslCertificate, 'sslcert') }),
    ...(url.sslKey !== undefined && { key: readPem(url.sslKey, 'sslkey') }),
  };
  if (ca === undefined || mode === 'allow' || mode === 'prefer')
    return { ...client, rejectUnauthorized: false };
  const names = mode === 'verify-full' ? (host ?? 'localhost') : undefined;
  return {
    ...client,
    ca,
    rejectUnauthorized: true,
    checkServerIdentity: (_, certificate) =>
      names === undefined ? undefined : checkServerIdentity(names, certificate),
  };
}

/** Root certificates in PEM; undefined: there are none, and the mode does without. */
function rootCertificates(mode: SslMode, url: PostgresUrl): string | string[] | undefined {
  const file = url.sslRootCertificate ?? join(homedir(), '.postgresql', 'root.crt');
  if (file === 'system') return getCACertificates('system');
  if (url.sslRootCertificate !== undefined || existsSync(file)) return readPem(file, 'sslrootcert');
  if (mode !== 'verify-ca' && mode !== 'verify-full') return undefined;
  throw new StoreUnavailableError(
    `sslmode=${mode} needs the certificate of the authority: name it by sslrootcert=FILE, or sslrootcert=system`,
  );
}

function readPem(file: string, parameter: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StoreUnavailableError(`cannot read ${parameter} ${file} of the store (${code})`);
  }
}

/** The servers and the database, without user, password and parameters. */
function describeLocation({ hosts, database }: Pick<PostgresUrl, 'hosts' | 'database'>): string {
  const names = hosts.map(({ host = process.env.PGHOST ?? 'localhost', port }) => {
    const name = host.includes(':') ? `[${host}]` : host;
    return port === undefined ? name : `${name}:${port}`;
  });
  return `postgres://${names.join(',')}/${database ?? ''}`;
}

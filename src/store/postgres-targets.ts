import pg from 'pg';
import { type PostgresHost, type PostgresUrl, parsePostgresUrl } from '../common/postgres-url.ts';
import { prepareSession, toStoreError, typeParsers } from './postgres-session.ts';
import { chooseEncryption, isTlsFailure } from './postgres-tls.ts';
import { StoreUnavailableError } from './store.ts';

/** The servers of a connection URI, of which one is in use: the first that can be written to. */

const maxConnectMilliseconds = 5_000;
/**
 * A server that accepts connections and then hangs counts as away, so that it does not block every client.
 */
const maxStatementMilliseconds = 30_000;

/** One server and the way to encrypt the connection to it. */
interface Target {
  readonly settings: pg.ClientConfig;
  /** The server without the names of users and databases, for messages. */
  readonly place: string;
  /** What to add to the message when TLS fails. */
  readonly tlsAdvice: string | undefined;
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
        first = moreTelling(first, explain(error, target));
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

function explain(error: unknown, { place, settings, tlsAdvice }: Target): Error {
  const failure = toStoreError(error, `cannot open ${place}`, settings);
  if (tlsAdvice === undefined || !isTlsFailure(error)) return failure;
  return new StoreUnavailableError(`${failure.message}; ${tlsAdvice}`);
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
  return url.hosts.flatMap((host) => {
    const name = hostNameOf(host);
    const { encryptions, advice } = chooseEncryption(name, url);
    return encryptions.map((ssl) => ({
      place: describeLocation({ ...url, hosts: [host] }),
      tlsAdvice: advice,
      settings: {
        host: name,
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
    }));
  });
}

/** The host that a URI leaves out comes from the environment. */
function hostNameOf({ host }: PostgresHost): string {
  return host ?? (process.env.PGHOST || 'localhost');
}

/** The servers and the database, without user, password and parameters. */
function describeLocation({ hosts, database }: Pick<PostgresUrl, 'hosts' | 'database'>): string {
  const names = hosts.map((each) => {
    const { port } = each;
    const host = hostNameOf(each);
    const name = host.includes(':') ? `[${host}]` : host;
    return port === undefined ? name : `${name}:${port}`;
  });
  return `postgres://${names.join(',')}/${database ?? ''}`;
}

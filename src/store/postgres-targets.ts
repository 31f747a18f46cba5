import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type PostgresHost, type PostgresUrl, parsePostgresUrl } from '../common/postgres-url.ts';
import { refuseSharedSessions } from './postgres-pooler.ts';
import {
  type DatabaseLogin,
  findSchema,
  type PostgresServer,
  prepareSession,
  statementMilliseconds,
  toStoreError,
  typeParsers,
} from './postgres-session.ts';
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

/** The server in use. */
interface Chosen extends Target, PostgresServer {}

/** Pauses between attempts to connect: doubled each time, each between half and all of it. */
const minPauseMilliseconds = 100;
const maxPauseMilliseconds = 5_000;
/** How long a call waits for a server; after that, calls fail at once until the next pause is over. */
const maxRecoveryMilliseconds = 3_000;

/** Chooses among the servers and ways of encryption that a URI allows, in their order. */
export class PostgresTargets {
  readonly #targets: readonly Target[];
  #chosen: Chosen | undefined;
  #generation = 0;
  #choice: Promise<void> | undefined;
  #recovery: Promise<void> | undefined;
  #pause = minPauseMilliseconds;
  /** The failure of the last recovery, and until when it stands, in milliseconds of `performance.now`. */
  #failed: { readonly failure: unknown; readonly until: number } | undefined;
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

  /** The server in use; `choose` must have resolved before. */
  get server(): PostgresServer {
    return this.#inUse;
  }

  /** The settings for a new connection to the server in use. */
  get settings(): pg.ClientConfig {
    return this.#inUse.settings;
  }

  /** The login to the server in use, for `toStoreError`. */
  get login(): DatabaseLogin {
    const { settings, schema } = this.#inUse;
    return { user: settings.user, database: settings.database, schema };
  }

  /** Grows with each choice of a server: connections of an earlier generation are not to be used any more. */
  get generation(): number {
    return this.#generation;
  }

  get #inUse(): Chosen {
    if (this.#chosen === undefined) throw new TypeError('no server has been chosen');
    return this.#chosen;
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
        this.#chosen = { ...target, schema: await tryConnection(target) };
        this.#generation += 1;
        return;
      } catch (error) {
        first = moreTelling(first, explain(error, target));
      }
    }
    throw first;
  }

  /**
   * Chooses a server again after a connection of `generation` has failed, unless that has happened since. All
   * calls share the attempts.
   * @throws {StoreUnavailableError} when no server accepts connections and writes for some seconds.
   */
  async recover(generation: number): Promise<void> {
    if (generation !== this.#generation) return;
    this.requirePresent();
    this.#recovery ??= this.#attemptRepeatedly().finally(() => {
      this.#recovery = undefined;
    });
    await this.#recovery;
  }

  /** @throws {StoreUnavailableError} while attempts have failed and the pause before the next ones lasts. */
  requirePresent(): void {
    if (this.#failed !== undefined && performance.now() < this.#failed.until) throw this.#failed.failure;
  }

  async #attemptRepeatedly(): Promise<void> {
    for (const end = performance.now() + maxRecoveryMilliseconds; ; ) {
      try {
        await this.choose();
        this.#pause = minPauseMilliseconds;
        this.#failed = undefined;
        return;
      } catch (failure) {
        // A random part, so that nodes that have lost the same server do not come back all at once.
        const pause = this.#pause * (0.5 + Math.random() / 2);
        this.#pause = Math.min(2 * this.#pause, maxPauseMilliseconds);
        this.#failed = { failure, until: performance.now() + pause };
        if (this.#failed.until > end) throw failure;
        await sleep(pause);
      }
    }
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

/** Connects to a server and returns the schema of the tables. */
async function tryConnection({ settings, place }: Target): Promise<string> {
  const client = new pg.Client(settings);
  client.on('error', () => {});
  try {
    await client.connect();
    await refuseSharedSessions(client, settings, place);
    const schema = await findSchema(client, place);
    await prepareSession(client, { place, schema }, { writes: true, statementMilliseconds });
    return schema;
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

/** Returns the host, or the one that is meant when neither URI nor environment name one. */
function hostNameOf({ host }: PostgresHost): string {
  return host ?? 'localhost';
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

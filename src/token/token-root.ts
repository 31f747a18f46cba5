import type { OpenRoot, RootSource } from '../vault/roots/root.ts';
import { VaultUnavailableError } from '../vault/vault.ts';
import { TokenClient, type TokenClientOptions } from './token-client.ts';
import type { TokenHealth } from './token-supervisor.ts';
import { describeLogin, type TokenUri } from './token-uri.ts';
import { TokenValuePool } from './values/value-pool.ts';

/** What is known about the token of a root. */
export interface TokenStatus {
  readonly uri: string;
  /** `idle`: it was up, and kmipd has logged out since; else as `TokenHealth`. */
  readonly state: TokenHealth['state'] | 'idle';
  /** One line for the operator; empty when nothing is wrong. */
  readonly reason: string;
  /** POSIX seconds of the change of the state. */
  readonly since: number;
}

export interface TokenRootOptions {
  /** Settings of its clients; `mode` and `onHealth` are those of the root. */
  readonly client?: Omit<TokenClientOptions, 'mode' | 'onHealth'>;
  /** Seconds after its last use until kmipd logs out; never when left out. */
  readonly idleSeconds?: number | undefined;
  /** Calls `changed` when a file appears or changes; returns what ends that. */
  readonly watchFiles: (files: readonly string[], changed: () => void) => () => void;
  /** Is told of each change of state or reason; must not throw. */
  readonly onStatus?: (status: TokenStatus) => void;
  /** Is told why a call about values failed although the token is up, in one line; must not throw. */
  readonly onFailure?: ((reason: string) => void) | undefined;
  /** Processes that wrap data keys of values, started when they are needed; default 2. */
  readonly valueProcesses?: number | undefined;
  /** Milliseconds between attempts while the vault is sealed and the token is down; default 5,000. */
  readonly sealedRetryMilliseconds?: number;
}

/**
 * A key in a token as the root of a keyring. Its process is started for the first use, and serves until it
 * has been idle for the time that the operator has set. A token that is down is tried until it is up again;
 * one that has refused the login is not, until an operator asks.
 */
export class TokenRoot implements RootSource {
  readonly uri: string;
  /** The same for all roots whose logins count at one token; see `describeLogin`. */
  readonly login: string;
  readonly #token: TokenUri;
  readonly #options: TokenRootOptions;
  readonly #watchers = new Set<() => void>();
  #client: TokenClient | undefined;
  #uses = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  #endPinWatch: (() => void) | undefined;
  /** Of a client that became idle; its process ends within two seconds. */
  #ending: Promise<void> | undefined;
  #status: TokenStatus;
  /** The state of the client that wraps keyrings; the status is that of the values while these are down. */
  #own: Pick<TokenStatus, 'state' | 'reason'> = { state: 'down', reason: 'it was not used yet' };
  readonly values: TokenValuePool;
  #isClosed = false;
  #isUsed = false;

  constructor(token: TokenUri, options: TokenRootOptions) {
    this.uri = token.text;
    this.login = describeLogin(token);
    this.#token = token;
    this.#options = options;
    this.#status = { uri: this.uri, ...this.#own, since: nowInSeconds() };
    const { client, idleSeconds, onFailure, valueProcesses: processes = 2 } = options;
    this.values = new TokenValuePool(token, {
      ...{ processes, idleSeconds, onFailure, ...(client && { client }) },
      onHealth: ({ state }) => this.#noteValues(state),
    });
  }

  get status(): TokenStatus {
    return this.#status;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether it was opened, created, or a login tried. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** @throws {VaultUnavailableError} when the token cannot be used, or has no such key. */
  async open(): Promise<OpenRoot> {
    const client = await this.#use((each) => each.open());
    return new OpenTokenRoot(client, async () => this.#release());
  }

  /**
   * Makes the key where the token has none, then opens it.
   * @throws {VaultUnavailableError} when that fails; it is not tried again.
   */
  async create(): Promise<OpenRoot> {
    const client = this.#connect('create');
    try {
      await client.open();
    } catch (error) {
      await client.close();
      throw error;
    }
    // Further uses need a session that only reads.
    return new OpenTokenRoot(client, () => client.close());
  }

  /** Until its end the token is tried every few seconds, and `arrived` called each time that it is up. */
  watch(arrived: () => void): () => void {
    const notify = () => arrived();
    this.#watchers.add(notify);
    const { sealedRetryMilliseconds = 5_000 } = this.#options;
    const timer = setInterval(() => this.retry(), sealedRetryMilliseconds).unref();
    return () => {
      clearInterval(timer);
      if (this.#watchers.delete(notify)) this.#awaitIdleness();
    };
  }

  /** Tries a token that is down now; one that has refused the login only if an operator has asked for it. */
  retry(): void {
    if (['down', 'refused'].includes(this.#own.state)) void this.#tryToOpen();
    this.values.retry();
  }

  /**
   * Tries one login for an operator, although the last one was refused or its failure would lock the PIN.
   * @throws {VaultUnavailableError} when it fails.
   */
  async logIn(): Promise<void> {
    await this.#use((client) => client.retryLogin());
    this.#release();
    await this.values.logIn();
  }

  /** Ends its process; uses that wait fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    this.#endPinWatch?.();
    this.#watchers.clear();
    await Promise.all([this.#client?.close(), this.#ending, this.values.close()]);
  }

  /** Resolves to the client after a step with it; the caller releases it. */
  async #use(step: (client: TokenClient) => Promise<void>): Promise<TokenClient> {
    this.#client ??= this.#connect('find');
    const client = this.#client;
    this.#uses += 1;
    clearTimeout(this.#idleTimer);
    try {
      await step(client);
      return client;
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  async #tryToOpen(): Promise<void> {
    try {
      await this.#use((client) => client.open());
      this.#release();
    } catch {
      // The status has the reason.
    }
  }

  /** @throws {VaultUnavailableError} when the PIN is a credential and there is none. */
  #connect(mode: 'find' | 'create'): TokenClient {
    if (this.#isClosed) throw new VaultUnavailableError(`the root ${this.uri} is closed`);
    this.#isUsed = true;
    try {
      const onHealth = (health: TokenHealth) => this.#noteHealth(health);
      return new TokenClient(this.#token, { ...this.#options.client, mode, onHealth });
    } catch (error) {
      this.#setStatus('down', (error as Error).message);
      throw error;
    }
  }

  #release(): void {
    this.#uses -= 1;
    this.#awaitIdleness();
  }

  #noteHealth({ state, reason }: TokenHealth): void {
    if (this.#isClosed) return;
    this.#setStatus(state, reason);
    this.#awaitIdleness();
    if (state === 'refused') this.#watchPin();
    if (state !== 'up') return;
    this.#endPinWatch?.();
    this.#endPinWatch = undefined;
    for (const notify of [...this.#watchers]) notify();
  }

  /** Another PIN file asks for a login; which one counts as another, the login journal decides. */
  #watchPin(): void {
    const { pinSource } = this.#token;
    if (pinSource?.kind !== 'file') return;
    this.#endPinWatch ??= this.#options.watchFiles([pinSource.path], () => this.retry());
  }

  /** Ends the process when nothing has used it for long enough. One that is down is tried before. */
  #awaitIdleness(): void {
    const { idleSeconds } = this.#options;
    clearTimeout(this.#idleTimer);
    const isInUse = this.#uses > 0 || this.#watchers.size > 0 || this.#own.state !== 'up';
    if (idleSeconds === undefined || isInUse || this.#isClosed) return;
    this.#idleTimer = setTimeout(() => {
      const client = this.#client;
      this.#client = undefined;
      const before = this.#ending;
      this.#ending = Promise.all([before, client?.close()]).then(() => {});
      this.#setStatus('idle', '');
    }, idleSeconds * 1_000).unref();
  }

  #noteValues(state: TokenHealth['state']): void {
    if (state === 'refused') this.#watchPin();
    this.#publish();
  }

  #setStatus(state: TokenStatus['state'], reason: string): void {
    this.#own = { state, reason };
    this.#publish();
  }

  #publish(): void {
    if (this.#isClosed) return;
    const { health = this.#own } = this.values;
    const isOwn = health.state === 'up' || !['up', 'idle'].includes(this.#own.state);
    const { state, reason } = isOwn ? this.#own : health;
    const since = state === this.#status.state ? this.#status.since : nowInSeconds();
    this.#status = { uri: this.uri, state, reason, since };
    this.#options.onStatus?.(this.#status);
  }
}

/** The key for one use of the keyring. */
class OpenTokenRoot implements OpenRoot {
  readonly id: string;
  readonly #client: TokenClient;
  readonly #end: () => Promise<void>;
  #isClosed = false;

  constructor(client: TokenClient, end: () => Promise<void>) {
    this.id = client.id;
    this.#client = client;
    this.#end = end;
  }

  async wrap(secret: Uint8Array): Promise<Uint8Array> {
    this.#requireOpen();
    return this.#client.wrap(secret);
  }

  async unwrap(wrapped: Uint8Array): Promise<Uint8Array | undefined> {
    this.#requireOpen();
    return this.#client.unwrap(wrapped);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#end();
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new TypeError('the root is closed');
  }
}

const nowInSeconds = (): number => Math.floor(Date.now() / 1_000);

import { FairQueue } from '../../common/fair-queue.ts';
import { RequesterGoneError } from '../../common/requester.ts';
import type { ValueKey } from '../../vault/roots/root.ts';
import { ValueTokenUnavailableError, VaultUnavailableError } from '../../vault/vault.ts';
import { TokenClient, type TokenClientOptions } from '../token-client.ts';
import type { TokenHealth } from '../token-supervisor.ts';
import type { TokenUri } from '../token-uri.ts';
import { findWrappingFormat } from '../wrapping-formats.ts';

export interface ValuePoolOptions {
  /** Processes of the token: a session blocks its process, so this many calls run at once. */
  readonly processes: number;
  /** Settings of its clients; `mode` and `onHealth` are those of the pool. */
  readonly client?: Omit<TokenClientOptions, 'mode' | 'onHealth'>;
  /** Seconds after the last call until the processes end; never when left out. */
  readonly idleSeconds?: number | undefined;
  /** How long a call waits for its turn; default 10,000. */
  readonly waitMilliseconds?: number;
  /** Calls of one client that wait for a process; default 256. */
  readonly maxWaiting?: number;
  /** Is told when the pool comes up or goes down, or for another reason; must not throw. */
  readonly onHealth?: (health: Pick<TokenHealth, 'state' | 'reason'>) => void;
}

const defaults = { waitMilliseconds: 10_000, maxWaiting: 256 };

/**
 * Wraps and unwraps the data keys of values by a key in a token, in a few processes. Clients of kmipd take
 * turns by the time that their calls take. Nothing is remembered between calls. Each process is started when
 * a call finds none that is free, and logs in for itself.
 */
export class TokenValuePool implements ValueKey {
  readonly #token: TokenUri;
  readonly #options: ValuePoolOptions & typeof defaults;
  readonly #queue: FairQueue;
  readonly #clients = new Set<TokenClient>();
  readonly #idle: TokenClient[] = [];
  readonly #ending = new Set<Promise<void>>();
  #id: string | undefined;
  #health: Pick<TokenHealth, 'state' | 'reason'> | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(token: TokenUri, options: ValuePoolOptions) {
    this.#token = token;
    this.#options = { ...defaults, ...options };
    this.#queue = new FairQueue(options.processes, {
      maxWaiting: this.#options.maxWaiting,
      refusal: () => unavailable(`${this.#options.maxWaiting} calls of this client wait for it already`),
    });
  }

  get id(): string | undefined {
    return this.#id;
  }

  /** The pool is up while one of its processes is; undefined before the first was started. */
  get health(): Pick<TokenHealth, 'state' | 'reason'> | undefined {
    return this.#health;
  }

  /** Process ids of the processes that are ready. */
  get pids(): readonly number[] {
    return [...this.#clients].flatMap(({ pid }) => pid ?? []);
  }

  async open(): Promise<void> {
    await this.#call(async () => {});
  }

  wrap(secret: Uint8Array): Promise<Uint8Array> {
    return this.#call((client) => client.wrap(secret));
  }

  unwrap(wrapped: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#call((client) => client.unwrap(wrapped));
  }

  /** Makes a call when it is the turn of its client. */
  async #call<T>(task: (client: TokenClient) => Promise<T>): Promise<T> {
    const { waitMilliseconds } = this.#options;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(unavailable(`no process was free within ${waitMilliseconds / 1_000} s`)),
      waitMilliseconds,
    );
    let isLate = false;
    late.promise.catch(() => (isLate = true));
    const turn = this.#queue.run(async () => {
      clearTimeout(timer);
      return isLate ? late.promise : this.#withClient(task);
    });
    try {
      return await Promise.race([turn, late.promise]);
    } catch (error) {
      if (error instanceof RequesterGoneError || error instanceof KeyKindError) throw error;
      if (!(error instanceof VaultUnavailableError)) throw error;
      throw new ValueTokenUnavailableError(undefined, { cause: error });
    } finally {
      clearTimeout(timer);
      turn.catch(() => {});
    }
  }

  async #withClient<T>(task: (client: TokenClient) => Promise<T>): Promise<T> {
    clearTimeout(this.#idleTimer);
    const client = this.#idle.pop() ?? this.#connect();
    try {
      // A client that has lost its process starts another one by itself.
      if (this.#id === undefined) await client.open();
      this.#learn(client);
      return await task(client);
    } finally {
      // One that has its process comes before one whose process is gone.
      if (client.health.state === 'up') this.#idle.push(client);
      else this.#idle.unshift(client);
      this.#awaitIdleness();
    }
  }

  /** @throws {KeyKindError} for a key of RSA. */
  #learn(client: TokenClient): void {
    if (this.#id !== undefined) return;
    const { id, format, algorithm } = client.key;
    if (findWrappingFormat(format)?.key !== 'aes')
      throw new KeyKindError(
        `values = "direct" needs an AES key in the token: with ${algorithm}, whoever has the keyring could make values`,
      );
    this.#id = id;
  }

  #connect(): TokenClient {
    if (this.#isClosed) throw unavailable('it was closed');
    const client: TokenClient = new TokenClient(this.#token, {
      ...this.#options.client,
      mode: 'find',
      onHealth: (health) => this.#noteHealth(health),
    });
    this.#clients.add(client);
    return client;
  }

  #noteHealth({ state, reason }: TokenHealth): void {
    if (this.#isClosed) return;
    const isUp = state === 'up' || [...this.#clients].some(({ health }) => health.state === 'up');
    const health = isUp ? ({ state: 'up', reason: '' } as const) : { state, reason };
    if (health.state === this.#health?.state && health.reason === this.#health.reason) return;
    this.#health = health;
    this.#options.onHealth?.(health);
  }

  /** Tries a token that is not up now; one that has refused the login only when an operator has asked. */
  retry(): void {
    for (const client of this.#clients) if (client.health.state !== 'up') client.open().catch(() => {});
  }

  /**
   * Tries one login for an operator where the last one was refused; the other processes go by its outcome.
   * @throws {VaultUnavailableError} when it fails.
   */
  async logIn(): Promise<void> {
    const refused = [...this.#clients].find(({ health }) => health.state === 'refused');
    await refused?.retryLogin();
    this.retry();
  }

  #awaitIdleness(): void {
    const { idleSeconds } = this.#options;
    clearTimeout(this.#idleTimer);
    if (idleSeconds === undefined || this.#isClosed || this.#idle.length < this.#clients.size) return;
    this.#idleTimer = setTimeout(() => {
      const ending = Promise.all([...this.#clients].map((client) => client.close())).then(() => {});
      this.#clients.clear();
      this.#idle.length = 0;
      this.#ending.add(ending);
      void ending.finally(() => this.#ending.delete(ending));
    }, idleSeconds * 1_000).unref();
  }

  /** Ends the processes; calls that wait fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    this.#queue.refuseWaiting(unavailable('it was closed'));
    await Promise.all([...[...this.#clients].map((client) => client.close()), ...this.#ending]);
  }
}

/** The key in the token is not for values; nothing changes that but another root. */
class KeyKindError extends VaultUnavailableError {}

function unavailable(reason: string): VaultUnavailableError {
  return new VaultUnavailableError(`the token of values cannot be used: ${reason}`);
}

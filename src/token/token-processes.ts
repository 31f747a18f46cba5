import { FairQueue } from '../common/fair-queue.ts';
import { currentRequester, runFor } from '../common/requester.ts';
import { VaultUnavailableError } from '../vault/vault.ts';
import type { TokenMode } from './messages.ts';
import { TokenClient, type TokenClientOptions } from './token-client.ts';
import type { TokenHealth } from './token-supervisor.ts';
import type { TokenUri } from './token-uri.ts';

/** State of all processes of one token. */
export type TokenPoolHealth = Pick<TokenHealth, 'state' | 'reason'>;

/** What those who use the processes may set. */
export interface TokenPoolOptions {
  /** A session blocks its process, so this many calls run at once. */
  readonly processes: number;
  /** Settings of its clients; `mode` and `onHealth` are those of the pool. */
  readonly client?: Omit<TokenClientOptions, 'mode' | 'onHealth'>;
  /** How long a call waits for its turn; default 10,000. */
  readonly waitMilliseconds?: number;
  /** Calls of one client of kmipd that wait for a process; default 256. */
  readonly maxWaiting?: number;
}

export interface TokenProcessesOptions extends TokenPoolOptions {
  /** What each process opens; see `TokenMode`. */
  readonly mode: TokenMode;
  /** Seconds after the last call until the processes end; never when left out. */
  readonly idleSeconds?: number | undefined;
  /** Is told when the token comes up or goes down, or for another reason; must not throw. */
  readonly onHealth?: (health: TokenPoolHealth) => void;
}

export interface TokenCallOptions {
  /** How long this call waits for its turn, in place of the time of the options. */
  readonly waitMilliseconds?: number;
  /** A call that may take minutes: such calls leave one process to others, where there are two. */
  readonly isSlow?: boolean;
}

const defaults = { waitMilliseconds: 10_000, maxWaiting: 256 };

/**
 * A few processes of one token. Clients of kmipd take turns by the time that their calls take. Each process
 * is started when a call finds none that is free, and logs in for itself; a refused login is noted once for
 * all.
 */
export class TokenProcesses {
  readonly #token: TokenUri;
  readonly #options: TokenProcessesOptions & typeof defaults;
  readonly #queue: FairQueue;
  /** Slow calls wait here before they wait with the others. */
  readonly #slow: FairQueue;
  readonly #clients = new Set<TokenClient>();
  readonly #idle: TokenClient[] = [];
  readonly #ending = new Set<Promise<void>>();
  #health: TokenPoolHealth | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(token: TokenUri, options: TokenProcessesOptions) {
    this.#token = token;
    this.#options = { ...defaults, ...options };
    const { processes, maxWaiting } = this.#options;
    const refusal = () => new TokenBusyError(`${maxWaiting} calls of one client wait for it already`);
    this.#queue = new FairQueue(processes, { maxWaiting, refusal });
    this.#slow = new FairQueue(Math.max(1, processes - 1), { maxWaiting, refusal });
  }

  /** The token is up while one of its processes is; undefined before the first was started. */
  get health(): TokenPoolHealth | undefined {
    return this.#health;
  }

  /** Process ids of the processes that are ready. */
  get pids(): readonly number[] {
    return [...this.#clients].flatMap(({ pid }) => pid ?? []);
  }

  /** Serial number of the token; undefined before it was found once. */
  get serial(): string | undefined {
    return [...this.#clients].find(({ serial }) => serial !== undefined)?.serial;
  }

  /**
   * Makes a call when it is the turn of the current requester's account.
   * @throws {TokenBusyError} when the turn does not come in time, or too many calls of the account wait.
   * @throws {RequesterGoneError} when the requester has gone before.
   * @throws {VaultUnavailableError} when the token cannot be used now.
   */
  async call<T>(
    task: (client: TokenClient) => Promise<T>,
    { waitMilliseconds = this.#options.waitMilliseconds, isSlow = false }: TokenCallOptions = {},
  ): Promise<T> {
    const requester = currentRequester();
    const late = Promise.withResolvers<never>();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      late.reject(new TokenBusyError(`no process was free within ${waitMilliseconds / 1_000} s`));
    }, waitMilliseconds);
    const isWaiting = () => !isLate && requester.isWaiting();
    const takeTurn = () =>
      this.#queue.run(() => {
        clearTimeout(timer);
        return this.#withClient(task);
      });
    const turn = runFor({ account: requester.account, isWaiting }, () =>
      isSlow ? this.#slow.run(takeTurn) : takeTurn(),
    );
    try {
      return await Promise.race([turn, late.promise]);
    } finally {
      clearTimeout(timer);
      // The queue lets go of it later.
      if (isLate) turn.catch(() => {});
    }
  }

  async #withClient<T>(task: (client: TokenClient) => Promise<T>): Promise<T> {
    clearTimeout(this.#idleTimer);
    const client = this.#idle.pop() ?? this.#connect();
    try {
      // A client that has lost its process starts another one by itself.
      return await task(client);
    } finally {
      // One that has its process comes before one whose process is gone.
      if (client.health.state === 'up') this.#idle.push(client);
      else this.#idle.unshift(client);
      this.#awaitIdleness();
    }
  }

  /** @throws {VaultUnavailableError} when the PIN is a credential and there is none. */
  #connect(): TokenClient {
    if (this.#isClosed) throw new VaultUnavailableError('the token cannot be used: it was closed');
    try {
      const client: TokenClient = new TokenClient(this.#token, {
        ...this.#options.client,
        mode: this.#options.mode,
        onHealth: (health) => this.#noteHealth(health),
      });
      this.#clients.add(client);
      return client;
    } catch (error) {
      this.#noteHealth({ state: 'down', reason: (error as Error).message });
      throw error;
    }
  }

  #noteHealth({ state, reason }: TokenPoolHealth): void {
    if (this.#isClosed) return;
    const isUp = state === 'up' || [...this.#clients].some(({ health }) => health.state === 'up');
    const health = isUp ? ({ state: 'up', reason: '' } as const) : { state, reason };
    if (health.state === this.#health?.state && health.reason === this.#health.reason) return;
    this.#health = health;
    this.#options.onHealth?.(health);
  }

  /**
   * Adds the first process where there is none; `retry` and `logIn` start it.
   * @throws {VaultUnavailableError} when the PIN is a credential and there is none.
   */
  prepare(): void {
    if (this.#clients.size === 0) this.#idle.push(this.#connect());
  }

  /** Tries processes that are not up now; one that has refused the login only when an operator has asked. */
  retry(): void {
    // The health has the reason of a failure.
    for (const client of this.#clients) if (client.health.state !== 'up') client.open().catch(() => {});
  }

  /**
   * Tries one login for an operator, where the last one was refused, or its failure would lock the PIN; the
   * other processes go by its outcome.
   * @throws {VaultUnavailableError} when it fails.
   */
  async logIn(): Promise<void> {
    const clients = [...this.#clients];
    const refused = clients.find(({ health }) => health.state === 'refused');
    await (refused ?? clients.find(({ health }) => health.state !== 'up'))?.retryLogin();
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
    const closed = new VaultUnavailableError('the token cannot be used: it was closed');
    for (const queue of [this.#slow, this.#queue]) queue.refuseWaiting(closed);
    await Promise.all([...[...this.#clients].map((client) => client.close()), ...this.#ending]);
  }
}

/** A call found no process in time, or too many of its client wait; the token may be well. */
export class TokenBusyError extends VaultUnavailableError {
  constructor(reason: string) {
    super(`the token cannot be used: ${reason}`);
  }
}

import { Throttle } from './throttle.ts';

/** The result of one attempt to prove an identity: a value, or why it was refused. */
export type LoginAttempt<T> =
  | { readonly verified: T }
  /** `known`: the secret was right, so the attempt was no guess and does not count. */
  | { readonly refused: string; readonly known?: boolean };

/**
 * Consecutive failures before attempts are delayed: of one name, and of all names that one certificate tries.
 */
const freeNameFailures = 5;
const freeClientFailures = 50;
/** The key of the failures of a client with all names together. */
const allNames = '';

/**
 * Limits the attempts to prove an identity by password: one at a time for each client, so that a hundred
 * connections guess no faster than one, and none for a while after too many failures.
 */
export class LoginThrottle {
  readonly #names: Throttle;
  readonly #clients: Throttle;
  /** The last attempt in the queue of each client that has any; settles without an error. */
  readonly #last = new Map<string, Promise<unknown>>();
  /** Running attempts of `attemptOnce`, by the credential that is shown. */
  readonly #running = new Map<string, Promise<LoginAttempt<unknown>>>();

  /** `clock`: milliseconds since 1970. */
  constructor(clock: () => number) {
    this.#names = new Throttle(clock, freeNameFailures);
    this.#clients = new Throttle(clock, freeClientFailures);
  }

  /**
   * Runs `verify` in the client's queue, or refuses without verification after too many failures. `name`
   * identifies the secret that is tried, within the client. Rejects as `verify` does, and that counts neither
   * way.
   */
  attempt<T>(client: string, name: string, verify: () => Promise<LoginAttempt<T>>): Promise<LoginAttempt<T>> {
    return this.#enqueue(client, async () => {
      if (this.#clients.isBlocked(client, allNames) || this.#names.isBlocked(client, name))
        return { refused: 'too many attempts have failed' };
      const attempt = await verify();
      if ('verified' in attempt) {
        this.#clients.succeeded(client, allNames);
        this.#names.succeeded(client, name);
      } else if (!attempt.known) {
        this.#clients.failed(client, allNames);
        this.#names.failed(client, name);
      }
      return attempt;
    });
  }

  /**
   * Like `attempt`, for credentials that stay valid after their use: while one is verified, further attempts
   * with the same `shown` share its result. `shown` is a digest of the credential.
   */
  attemptOnce<T>(
    client: string,
    name: string,
    shown: string,
    verify: () => Promise<LoginAttempt<T>>,
  ): Promise<LoginAttempt<T>> {
    const known = this.#running.get(shown);
    if (known !== undefined) return known as Promise<LoginAttempt<T>>;
    const attempt = this.attempt(client, name, verify).finally(() => this.#running.delete(shown));
    this.#running.set(shown, attempt);
    return attempt;
  }

  async #enqueue<T>(client: string, task: () => Promise<T>): Promise<T> {
    const result = (this.#last.get(client) ?? Promise.resolve()).then(task);
    const settled = result.then(
      () => {},
      () => {},
    );
    this.#last.set(client, settled);
    try {
      return await result;
    } finally {
      if (this.#last.get(client) === settled) this.#last.delete(client);
    }
  }
}

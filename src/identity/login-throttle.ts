import { Throttle } from './throttle.ts';

/** What one attempt to prove an identity came to: what follows from it, or why it was refused. */
export type LoginAttempt<T> =
  | { readonly verified: T }
  /** `known`: by somebody who knew the secret, so that nothing was guessed. */
  | { readonly refused: string; readonly known?: boolean };

/** Failures in a row that are free of charge: of one name, and of all names that one certificate tries. */
const freeOfName = 5;
const freeOfClient = 50;

/**
 * Where passwords are tried: one attempt at a time for each client, so that a hundred connections guess no faster than
 * one, and no more once too many have failed.
 */
export class LoginThrottle {
  readonly #names: Throttle;
  readonly #clients: Throttle;
  /** The last attempt of each client that has any under way. */
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #running = new Map<string, Promise<LoginAttempt<unknown>>>();

  /** `clock`: milliseconds since 1970. */
  constructor(clock: () => number) {
    this.#names = new Throttle(clock, freeOfName);
    this.#clients = new Throttle(clock, freeOfClient);
  }

  /** `name`: what is being tried, within the client. */
  attempt<T>(client: string, name: string, verify: () => Promise<LoginAttempt<T>>): Promise<LoginAttempt<T>> {
    const key = `${client} ${name}`;
    return this.#inTurn(client, async () => {
      if (this.#clients.isBlocked(client) || this.#names.isBlocked(key))
        return { refused: 'too many attempts have failed' };
      const attempt = await verify();
      if ('verified' in attempt) {
        this.#clients.succeeded(client);
        this.#names.succeeded(key);
      } else if (!attempt.known) {
        this.#clients.failed(client);
        this.#names.failed(key);
      }
      return attempt;
    });
  }

  /** The same, for what holds however often it is shown: who shows the same meanwhile shares the outcome. */
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

  async #inTurn<T>(client: string, task: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(client) ?? Promise.resolve()).then(task);
    const settled = turn.then(
      () => {},
      () => {},
    );
    this.#last.set(client, settled);
    try {
      return await turn;
    } finally {
      if (this.#last.get(client) === settled) this.#last.delete(client);
    }
  }
}

import { ClientTables } from '../common/client-tables.ts';

/** The longest delay after a failure. */
const maxMilliseconds = 900_000;
/** The failures with a key count again from one after so long without a failure. */
const windowMilliseconds = 3_600_000;
interface Failures {
  readonly count: number;
  /** Milliseconds since 1970 until which every attempt is refused without verification. */
  readonly blockedUntil: number;
  /** Milliseconds since 1970 from which on the failures no longer count. */
  readonly until: number;
}

/**
 * Delays guesses: after the free failures of a client with a key, each further one doubles the time in which
 * attempts are refused without verification, from one second to a quarter of an hour. A success resets the
 * count. Every process counts for itself.
 */
export class Throttle {
  readonly #failures: ClientTables<Failures>;
  readonly #clock: () => number;
  readonly #free: number;

  /**
   * `clock`: milliseconds since 1970. `free`: failures without a delay, for typing errors and changed
   * passwords.
   */
  constructor(clock: () => number, free: number) {
    this.#failures = new ClientTables(clock);
    this.#clock = clock;
    this.#free = free;
  }

  /**
   * Whether attempts of the client with the key are refused now: after too many failures with it, or with
   * more keys than are counted.
   */
  isBlocked(client: string, key: string): boolean {
    const failures = this.#failures.get(client, key);
    if (failures === undefined) return this.#failures.isFull(client);
    return failures.blockedUntil > this.#clock();
  }

  /** Counts a failure of the client with the key. */
  failed(client: string, key: string): void {
    const now = this.#clock();
    const count = (this.#failures.get(client, key)?.count ?? 0) + 1;
    const wait = count < this.#free ? 0 : Math.min(1000 * 2 ** (count - this.#free), maxMilliseconds);
    this.#failures.set(client, key, { count, blockedUntil: now + wait, until: now + windowMilliseconds });
  }

  /** Resets the failures of the client with the key. */
  succeeded(client: string, key: string): void {
    this.#failures.delete(client, key);
  }
}

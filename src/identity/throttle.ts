/** The longest delay after a failure. */
const maxMilliseconds = 900_000;
/** The failures of a key count again from one after so long without a failure. */
const windowMilliseconds = 3_600_000;
/** Keys that are remembered; beyond that the one that failed longest ago is dropped. */
const maxKeys = 10_000;

interface Failures {
  readonly count: number;
  /** Time of the last failure, milliseconds since 1970. */
  readonly at: number;
  /** Milliseconds since 1970 until which every attempt is refused without verification. */
  readonly until: number;
}

/**
 * Delays guesses: after the free failures, each further one doubles the time in which attempts are refused
 * without verification, from one second to a quarter of an hour. A success resets the count. Every process
 * counts for itself.
 */
export class Throttle {
  readonly #failures = new Map<string, Failures>();
  readonly #clock: () => number;
  readonly #free: number;

  /**
   * `clock`: milliseconds since 1970. `free`: failures without a delay, for typing errors and changed
   * passwords.
   */
  constructor(clock: () => number, free: number) {
    this.#clock = clock;
    this.#free = free;
  }

  /** Whether attempts with the key are refused now. */
  isBlocked(key: string): boolean {
    return (this.#failures.get(key)?.until ?? 0) > this.#clock();
  }

  /** Counts a failure of the key. */
  failed(key: string): void {
    const now = this.#clock();
    const last = this.#failures.get(key);
    const count = last === undefined || now - last.at > windowMilliseconds ? 1 : last.count + 1;
    const wait = count < this.#free ? 0 : Math.min(1000 * 2 ** (count - this.#free), maxMilliseconds);
    this.#failures.delete(key);
    this.#failures.set(key, { count, at: now, until: now + wait });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > maxKeys && oldest !== undefined) this.#failures.delete(oldest);
  }

  /** Resets the failures of the key. */
  succeeded(key: string): void {
    this.#failures.delete(key);
  }
}

const maxMilliseconds = 900_000;
/** A key that has been quiet for so long begins anew. */
const forgottenMilliseconds = 3_600_000;
/** Keys that are remembered; then the one that failed longest ago is forgotten. */
const maxKeys = 10_000;

interface Failures {
  readonly count: number;
  readonly at: number;
  /** Until then every attempt is refused unseen. */
  readonly until: number;
}

/**
 * Slows down whoever guesses: once the free failures are used up, each one doubles the time in which further attempts are
 * refused unseen: one second at first, a quarter of an hour at most. Success forgets. Every process counts for itself.
 */
export class Throttle {
  readonly #failures = new Map<string, Failures>();
  readonly #clock: () => number;
  readonly #free: number;

  /** `clock`: milliseconds since 1970. `free`: failures without consequence, for typing errors and changed passwords. */
  constructor(clock: () => number, free: number) {
    this.#clock = clock;
    this.#free = free;
  }

  isBlocked(key: string): boolean {
    return (this.#failures.get(key)?.until ?? 0) > this.#clock();
  }

  failed(key: string): void {
    const now = this.#clock();
    const last = this.#failures.get(key);
    const count = last === undefined || now - last.at > forgottenMilliseconds ? 1 : last.count + 1;
    const wait = count < this.#free ? 0 : Math.min(1000 * 2 ** (count - this.#free), maxMilliseconds);
    this.#failures.delete(key);
    this.#failures.set(key, { count, at: now, until: now + wait });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > maxKeys && oldest !== undefined) this.#failures.delete(oldest);
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }
}

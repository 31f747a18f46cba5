export interface BackOffOptions {
  /** The wait after the first failure. */
  readonly baseMilliseconds: number;
  readonly maxMilliseconds: number;
  /** So many failures without a success between them open the circuit; absent: it stays closed. */
  readonly failuresToOpen?: number;
  /** From 0 to 1; chance by default. */
  readonly random?: () => number;
}

/**
 * How long to wait before the next start after failures, and whether calls fail at once meanwhile (circuit
 * breaker). The wait doubles with each failure. A part of it is chance, so that the nodes of a cluster do
 * not come back to one token at the same moment.
 */
export class BackOff {
  readonly #options: BackOffOptions;
  #failures = 0;

  constructor(options: BackOffOptions) {
    this.#options = options;
  }

  /** Counts a failure and returns the milliseconds to wait: half of the bound to all of it. */
  fail(): number {
    const { baseMilliseconds, maxMilliseconds, random = Math.random } = this.#options;
    // 2^30 times the base is beyond every maximum, and the exponent stays small.
    const bound = Math.min(maxMilliseconds, baseMilliseconds * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return bound / 2 + (bound / 2) * random();
  }

  succeed(): void {
    this.#failures = 0;
  }

  get isOpen(): boolean {
    return this.#failures >= (this.#options.failuresToOpen ?? Number.POSITIVE_INFINITY);
  }
}

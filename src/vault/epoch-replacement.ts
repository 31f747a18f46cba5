/** So many boxes of all processes before the limit of an epoch, one of them begins a new epoch. */
const sealsBeforeRotation = 2 ** 30;
/** How long after one attempt the next one begins a new epoch. */
const rotationMilliseconds = 10_000;

/** Begins a new epoch when one has sealed enough boxes. */
export class EpochReplacement {
  readonly #replace: (epoch: number) => Promise<unknown>;
  readonly #now: () => number;
  readonly #limit: number;
  #triedAt = Number.NEGATIVE_INFINITY;

  /**
   * `now`: milliseconds since 1970; `replace` begins a new epoch unless another process has; `limit` of
   * boxes, 2^30 by default
   */
  constructor(
    now: () => number,
    replace: (epoch: number) => Promise<unknown>,
    limit: number = sealsBeforeRotation,
  ) {
    this.#now = now;
    this.#replace = replace;
    this.#limit = limit;
  }

  /** To be called for each box with the number of those before. */
  noteCount(epoch: number, count: number): void {
    if (count < this.#limit || this.#now() - this.#triedAt < rotationMilliseconds) return;
    this.#triedAt = this.#now();
    this.#replace(epoch).catch(() => {});
  }
}

const maxEntries = 512;

/** Successful attempts until larger batches are tried. */
const attemptsToGrow = 32;

/** How many entries one attempt delivers: fewer once an output has found a batch too large. */
export class BatchSize {
  #entries = maxEntries;
  /** Successful attempts since the size has changed. */
  #successes = 0;

  get entries(): number {
    return this.#entries;
  }

  succeed(): void {
    this.#successes += 1;
    if (this.#successes >= attemptsToGrow) this.#resize(this.#entries * 2);
  }

  /** Takes note that a batch of so many entries was too large; returns whether a smaller one can be tried. */
  refuse(entries: number): boolean {
    if (entries <= 1) return false;
    this.#resize(Math.floor(entries / 2));
    return true;
  }

  #resize(entries: number): void {
    this.#entries = Math.min(maxEntries, entries);
    this.#successes = 0;
  }
}

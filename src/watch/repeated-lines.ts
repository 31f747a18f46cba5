/** How long lines of one kind are counted before the next one is written. */
const intervalMilliseconds = 60_000;
/** Kinds that are remembered; while so many are in their interval, lines of others are not written. */
const maxKinds = 10_000;

/** Bounds lines that clients cause: one of each kind in a minute, with the number of those it stands for. */
export class RepeatedLines {
  readonly #clock: () => number;
  readonly #kinds = new Map<string, { readonly until: number; count: number }>();

  /** `clock`: milliseconds since 1970. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /**
   * Counts a line. Returns the number of lines of its kind since the last one that was written, this one
   * included; undefined when this one is not to be written.
   */
  take(kind: string): number | undefined {
    const now = this.#clock();
    const known = this.#kinds.get(kind);
    if (known !== undefined && now < known.until) {
      known.count++;
      return undefined;
    }
    if (known === undefined && this.#kinds.size >= maxKinds && !this.#forgetOld(now)) return undefined;
    this.#kinds.set(kind, { until: now + intervalMilliseconds, count: 0 });
    return (known?.count ?? 0) + 1;
  }

  /** Returns whether another kind can be remembered now. */
  #forgetOld(now: number): boolean {
    for (const [kind, { until }] of this.#kinds) if (until <= now) this.#kinds.delete(kind);
    return this.#kinds.size < maxKinds;
  }
}

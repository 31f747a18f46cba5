/** Marks of which the newest are kept; together they cover a deadline. */
const maxMarks = 64;

/**
 * Remembers when waiting entries have arrived, as accurately as a deadline needs: entries that arrive within
 * a fortieth of it count as having arrived together. It has at most 64 marks, however many entries wait.
 */
export class Arrivals {
  readonly #interval: number;
  readonly #now: () => number;
  /** Entries beyond the first `before` ones arrived at the time of the mark or later. */
  #marks: { readonly before: number; readonly at: number }[] = [];

  /**
   * @param deadlineMilliseconds how long entries may wait
   * @param now milliseconds since any moment
   */
  constructor(deadlineMilliseconds: number, now: () => number) {
    this.#interval = deadlineMilliseconds / 40;
    this.#now = now;
  }

  /** When the oldest waiting entry has arrived; undefined while none waits. */
  get oldest(): number | undefined {
    return this.#marks[0]?.at;
  }

  /** Takes note that entries arrive when `before` others had arrived before them; they may have waited. */
  arrive(before: number, at = this.#now()): void {
    const last = this.#marks.at(-1);
    if (last !== undefined && at - last.at < this.#interval) return;
    // The entries of the mark that is dropped count as having arrived with those before.
    if (this.#marks.length === maxMarks) this.#marks.splice(1, 1);
    this.#marks.push({ before, at });
  }

  /** Takes note that of all that have arrived so many, the oldest, wait no longer. */
  leave(count: number, arrived: number): void {
    if (count >= arrived) this.#marks = [];
    while ((this.#marks[1]?.before ?? Number.POSITIVE_INFINITY) <= count) this.#marks.shift();
  }
}

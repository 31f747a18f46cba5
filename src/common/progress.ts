/** Tells an operator every second how far long work has got. */
export class Progress {
  #total: number;
  readonly #say: (line: string) => void;
  readonly #verb: string;
  readonly #started = performance.now();
  #done = 0;
  #said = this.#started;

  /**
   * @param total rows of the whole work
   * @param verb what has been done to a row, as a participle
   */
  constructor(total: number, say: (line: string) => void, verb = 'converted') {
    this.#total = total;
    this.#say = say;
    this.#verb = verb;
  }

  /** Counts rows as done; `total`: rows of the whole work, where it has grown. */
  add(rows: number, total = this.#total): void {
    this.#done += rows;
    this.#total = total;
    const now = performance.now();
    if (now - this.#said < 1_000) return;
    this.#said = now;
    const seconds = (now - this.#started) / 1_000;
    const left = Math.ceil((seconds / this.#done) * (this.#total - this.#done));
    const percent = Math.floor((100 * this.#done) / this.#total);
    this.#say(
      `${this.#verb} ${this.#done} of ${this.#total} rows (${percent} %), about ${left} seconds left`,
    );
  }

  /** Whole seconds since the start. */
  get seconds(): number {
    return Math.round((performance.now() - this.#started) / 1_000);
  }
}

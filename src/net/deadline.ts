/** A timer that is set once and stopped in time. */
export class Deadline {
  readonly #milliseconds: number;
  readonly #late: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number, late: () => void) {
    this.#milliseconds = milliseconds;
    this.#late = late;
  }

  /** Leaves it as it is when it runs already. */
  start(): void {
    this.#timer ??= setTimeout(this.#late, this.#milliseconds);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** A timer that is set once and stopped in time. */
export class Deadline {
  readonly #milliseconds: number;
  readonly #onExpired: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number, onExpired: () => void) {
    this.#milliseconds = milliseconds;
    this.#onExpired = onExpired;
  }

  /** Leaves it as it is when it runs already. */
  start(): void {
    this.#timer ??= setTimeout(this.#onExpired, this.#milliseconds);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Calls a function when an operation is not stopped in time. */
export class Deadline {
  readonly #milliseconds: number;
  readonly #onExpired: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** `onExpired` is called `milliseconds` after `start`, unless `stop` is called first. */
  constructor(milliseconds: number, onExpired: () => void) {
    this.#milliseconds = milliseconds;
    this.#onExpired = onExpired;
  }

  /** Starts the timer; a running timer keeps its end. */
  start(): void {
    this.#timer ??= setTimeout(this.#onExpired, this.#milliseconds);
  }

  /** Cancels the timer, so that `start` begins anew. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/**
 * Runs tasks one after the other, in the order in which they came. A task may have work outside the queue
 * wait for it.
 */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  #exclusive: Promise<void> | undefined;

  /** Runs the task when all earlier ones have ended; resolves or rejects as the task does. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }

  /** Whether the running task holds exclusive access, so that others have to wait for `untilShared`. */
  get hasExclusive(): boolean {
    return this.#exclusive !== undefined;
  }

  /** Resolves when no task holds exclusive access. */
  async untilShared(): Promise<void> {
    while (this.#exclusive !== undefined) await this.#exclusive;
  }

  /** Runs work of the running task, while everything that waits for `untilShared` is held back. */
  async runExclusive<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exclusive = promise;
    try {
      return await work();
    } finally {
      this.#exclusive = undefined;
      resolve();
    }
  }
}

/** Runs tasks one after the other, in the order they came. One that cannot get ahead of others may have them wait for it. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  #exclusive: Promise<void> | undefined;

  /** Resolves or rejects as the task does. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Whether somebody is alone: then `free` is worth waiting for. */
  get hasExclusive(): boolean {
    return this.#exclusive !== undefined;
  }

  /** Resolves once nobody is alone. */
  async untilShared(): Promise<void> {
    while (this.#exclusive !== undefined) await this.#exclusive;
  }

  /** Runs what belongs to the task whose turn it is, while everybody who asks for `free` waits. */
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

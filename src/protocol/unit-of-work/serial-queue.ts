/** Runs tasks one after the other, in the order they came. One that cannot get ahead of others may have them wait for it. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #floor: Promise<void> | undefined;

  /** Resolves or rejects as the task does. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Whether somebody is alone: then `free` is worth waiting for. */
  get taken(): boolean {
    return this.#floor !== undefined;
  }

  /** Resolves once nobody is alone. */
  async free(): Promise<void> {
    while (this.#floor !== undefined) await this.#floor;
  }

  /** Runs what belongs to the task whose turn it is, while everybody who asks for `free` waits. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#floor = promise;
    try {
      return await work();
    } finally {
      this.#floor = undefined;
      resolve();
    }
  }
}

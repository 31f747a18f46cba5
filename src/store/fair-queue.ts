/** Limits how many tasks run at once. Accounts that wait take turns: none waits for all of another's. */
export class FairQueue {
  readonly #limit: number;
  #running = 0;
  /** Waiting tasks by account; the account that has waited longest since its last turn is first. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /** @param limit how many tasks run at once */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs `task` when it is its turn, and returns its result. */
  async run<T>(account: string, task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limit) this.#running += 1;
    else await this.#turn(account);
    try {
      return await task();
    } finally {
      this.#passOn();
    }
  }

  #turn(account: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const others = this.#waiting.get(account);
    if (others === undefined) this.#waiting.set(account, [resolve]);
    else others.push(resolve);
    return promise;
  }

  /** Gives the place of a finished task to the next one. */
  #passOn(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#running -= 1;
      return;
    }
    const [account, [start, ...others]] = next as [string, [() => void, ...(() => void)[]]];
    this.#waiting.delete(account);
    if (others.length > 0) this.#waiting.set(account, others);
    start();
  }
}

/** Runs the same work for everybody who asks, one run after another. */
export class JoinedRuns<T> {
  readonly #work: () => Promise<T>;
  #last: Promise<unknown> = Promise.resolve();
  #waiting: Promise<T> | undefined;

  constructor(work: () => Promise<T>) {
    this.#work = work;
  }

  /** Resolves to the result of a run that begins after this call; it serves all calls before it begins. */
  request(): Promise<T> {
    if (this.#waiting !== undefined) return this.#waiting;
    const run = this.#last.then(() => {
      this.#waiting = undefined;
      return this.#work();
    });
    this.#waiting = run;
    this.#last = run.catch(() => {});
    return run;
  }
}

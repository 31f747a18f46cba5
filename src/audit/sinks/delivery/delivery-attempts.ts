import { SinkDeliveryError } from '../outputs/output.ts';

/** Milliseconds in which an attempt must end once it was told to. */
const graceMilliseconds = 1_000;

/** Runs one piece of work at a time, each within a deadline, also work that does not heed it. */
export class DeliveryAttempts {
  readonly #milliseconds: number;
  readonly #stopped = new AbortController();
  #running: Promise<unknown> | undefined;

  /** `milliseconds`: after which work is told to end. */
  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  get isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** Tells the work that runs, and all that follows, to end. */
  stop(): void {
    this.#stopped.abort();
  }

  /**
   * Returns the result of `work`.
   * @throws {SinkDeliveryError} when it does not end in time. What was given up may go on, in a system call
   *   that hangs; no other work begins meanwhile.
   * @throws the error of `work`
   */
  async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#running !== undefined) await this.#endOf(this.#running);
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), this.#milliseconds);
    const signal = AbortSignal.any([deadline.signal, this.#stopped.signal]);
    try {
      const running = work(signal);
      const ended = running
        .catch(() => {})
        .then(() => {
          if (this.#running === ended) this.#running = undefined;
        });
      this.#running = ended;
      return await this.#within(running, signal, 'it does not end');
    } finally {
      clearTimeout(timer);
    }
  }

  async #endOf(running: Promise<unknown>): Promise<void> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), this.#milliseconds);
    try {
      const signal = AbortSignal.any([deadline.signal, this.#stopped.signal]);
      await this.#within(running, signal, 'the former attempt hangs');
    } finally {
      clearTimeout(timer);
    }
  }

  async #within<T>(running: Promise<T>, signal: AbortSignal, problem: string): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    let timer: NodeJS.Timeout | undefined;
    const giveUp = () => {
      timer = setTimeout(() => reject(new SinkDeliveryError(problem)), graceMilliseconds);
    };
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return await Promise.race([running, promise]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
  }
}

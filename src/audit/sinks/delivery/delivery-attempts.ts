import { SinkDeliveryError } from '../outputs/output.ts';

/** Milliseconds in which an attempt must end once it was told to. */
const graceMilliseconds = 1_000;

/** Runs one piece of work at a time, each within a deadline, also work that does not heed it. */
export class DeliveryAttempts {
  readonly #milliseconds: number;
  /** Of what runs; a signal that outlives it would keep all that ever listened to it in memory. */
  readonly #deadlines = new Set<AbortController>();
  #isStopped = false;
  #running: Promise<unknown> | undefined;

  /** `milliseconds`: after which work is told to end. */
  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Tells the work that runs, and all that follows, to end. */
  stop(): void {
    this.#isStopped = true;
    for (const deadline of this.#deadlines) deadline.abort();
  }

  /**
   * Returns the result of `work`.
   * @throws {SinkDeliveryError} when it does not end in time. What was given up may go on, in a system call
   *   that hangs; no other work begins meanwhile.
   * @throws the error of `work`
   */
  async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const previous = this.#running;
    if (previous !== undefined) await this.#within(() => previous, 'the former attempt hangs');
    return this.#within((signal) => {
      const running = work(signal);
      const ended = running
        .catch(() => {})
        .then(() => {
          if (this.#running === ended) this.#running = undefined;
        });
      this.#running = ended;
      return running;
    }, 'it does not end');
  }

  async #within<T>(work: (signal: AbortSignal) => Promise<T>, problem: string): Promise<T> {
    const deadline = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    let timer: NodeJS.Timeout;
    const end = () => {
      clearTimeout(timer);
      timer = setTimeout(() => reject(new SinkDeliveryError(problem)), graceMilliseconds);
    };
    deadline.signal.addEventListener('abort', end, { once: true });
    timer = setTimeout(() => deadline.abort(), this.#milliseconds);
    if (this.#isStopped) deadline.abort();
    this.#deadlines.add(deadline);
    try {
      return await Promise.race([work(deadline.signal), promise]);
    } finally {
      clearTimeout(timer);
      this.#deadlines.delete(deadline);
    }
  }
}

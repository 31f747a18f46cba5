import { setTimeout } from 'node:timers/promises';

/** The time of a queue, which tests replace. */
export interface QueueTime {
  /** Milliseconds since any moment. */
  now(): number;
  /** Resolves after so many milliseconds, or at the signal. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

const realTime: QueueTime = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) =>
    setTimeout(milliseconds, undefined, { signal, ref: false }).catch(() => undefined),
};

/**
 * Runs tasks one after the other, in the order in which they came. A task may have work outside the queue
 * wait for it. No wait is longer than the task said.
 */
export class SerialQueue {
  readonly time: QueueTime;
  #last: Promise<unknown> = Promise.resolve();
  #exclusive: Promise<void> | undefined;

  constructor(time: QueueTime = realTime) {
    this.time = time;
  }

  /**
   * Runs the task when the turns of all earlier ones are over; resolves or rejects as the task does. Its turn
   * is over with its end, or after so many milliseconds, when it goes on beside the next one.
   */
  run<T>(milliseconds: number, task: (isTurnOver: () => boolean) => Promise<T>): Promise<T> {
    let isOver = false;
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#last = this.#last.then(async () => {
      const turn = this.#sleepUntil(promise, milliseconds);
      resolve(task(() => isOver));
      await turn;
      isOver = true;
    });
    return promise;
  }

  /** Whether the running task holds exclusive access, so that others have to wait for `untilShared`. */
  get hasExclusive(): boolean {
    return this.#exclusive !== undefined;
  }

  /** Resolves when no task holds exclusive access. */
  async untilShared(): Promise<void> {
    while (this.#exclusive !== undefined) await this.#exclusive;
  }

  /**
   * Runs work of the running task, while everything that waits for `untilShared` is held back: until the end
   * of the work, or for so many milliseconds.
   */
  async runExclusive<T>(milliseconds: number, work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exclusive = promise;
    const result = work();
    await this.#sleepUntil(result, milliseconds);
    if (this.#exclusive === promise) this.#exclusive = undefined;
    resolve();
    return result;
  }

  /** Resolves when the work has succeeded or failed, or after so many milliseconds. */
  async #sleepUntil(work: Promise<unknown>, milliseconds: number): Promise<void> {
    const ended = new AbortController();
    await Promise.race([work.catch(() => undefined), this.time.sleep(milliseconds, ended.signal)]);
    ended.abort();
  }
}

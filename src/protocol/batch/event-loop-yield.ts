import { setImmediate } from 'node:timers/promises';

/** How long one message may go on before others have their turn. */
const turnMilliseconds = 20;

/**
 * Lets the other connections have their turn. Reads of SQLite end at once: without a pause, a batch of a thousand items
 * would hold up all of them.
 */
export class EventLoopYield {
  #turn = performance.now();

  get isDue(): boolean {
    return performance.now() - this.#turn > turnMilliseconds;
  }

  async take(): Promise<void> {
    await setImmediate();
    this.#turn = performance.now();
  }
}

import { setImmediate } from 'node:timers/promises';

/** How long one message may occupy the event loop. */
const maxMilliseconds = 20;

/**
 * Returns to the event loop from time to time, so that other connections are served during a long batch.
 * Reads of SQLite and certificates are synchronous: without this, a batch of a thousand items, or a search
 * among long certificates, would block every connection.
 */
export class EventLoopYield {
  #since = performance.now();

  /** Whether the event loop has been occupied for too long. */
  get isDue(): boolean {
    return performance.now() - this.#since > maxMilliseconds;
  }

  /** Resolves after the events that wait have been handled. */
  async yield(): Promise<void> {
    await setImmediate();
    this.#since = performance.now();
  }
}

import type { Store } from '../../store/store.ts';
import type { JobQueue } from './job-queue.ts';

const intervalMilliseconds = 5_000;
/** Expired records are deleted in every twelfth interval. */
const intervalsPerDeletion = 12;

/**
 * Background tasks that do not depend on messages: queues jobs that were left behind, and deletes expired
 * records.
 */
export class Maintenance {
  readonly #timer: NodeJS.Timeout;
  #intervals = 0;

  /** Starts at once. `now`: POSIX seconds. */
  constructor(store: Store, queue: JobQueue, now: () => number) {
    // Store and vault errors are reported by requests; the next interval retries.
    const runTasks = (): void => {
      queue.lookForJobs().catch(() => {});
      if (this.#intervals % intervalsPerDeletion === 0) deleteExpired(store, now()).catch(() => {});
      this.#intervals += 1;
    };
    this.#timer = setInterval(runTasks, intervalMilliseconds).unref();
    queueMicrotask(runTasks);
  }

  /** Starts no further tasks; does not wait for running ones. */
  stop(): void {
    clearInterval(this.#timer);
  }
}

async function deleteExpired(store: Store, now: number): Promise<void> {
  while (await store.deleteExpired(now));
}

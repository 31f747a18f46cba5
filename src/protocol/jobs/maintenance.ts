import type { Store, StoredRecord } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
import type { ContextFactory } from '../batch/context-factory.ts';
import { isGenuineRecord } from '../unit-of-work/record-boxes.ts';
import type { JobQueue } from './job-queue.ts';
import type { WaitingPeriodEnd } from './waiting-period-end.ts';

const intervalMilliseconds = 5_000;
/** Expired records are deleted in every twelfth interval. */
const intervalsPerDeletion = 12;

export interface MaintenanceOptions {
  readonly store: Store;
  readonly vault: Vault;
  readonly queue: Pick<JobQueue, 'lookForJobs'>;
  readonly contexts: Pick<ContextFactory, 'dropExpired' | 'removeTokenKeys'>;
  /** POSIX seconds. */
  readonly now: () => number;
  readonly waitingPeriods: Pick<WaitingPeriodEnd, 'run'>;
}

/**
 * Background tasks that do not depend on messages: queues jobs that were left behind, ends multi-part data
 * that nobody continues, removes keys of no object from their token, deletes expired records, and removes the
 * values of destroyed objects whose waiting period is over.
 */
export class Maintenance {
  readonly #timer: NodeJS.Timeout;
  #intervals = 0;

  /** Starts at once. */
  constructor({ store, vault, queue, contexts, now, waitingPeriods }: MaintenanceOptions) {
    const isGenuine = (record: StoredRecord) => isGenuineRecord(vault, record);
    // Store and vault errors are reported by requests; the next interval retries.
    const runTasks = (): void => {
      contexts.dropExpired();
      queue.lookForJobs().catch(() => {});
      contexts.removeTokenKeys().catch(() => {});
      waitingPeriods.run().catch(() => {});
      if (this.#intervals % intervalsPerDeletion === 0) store.deleteExpired(now(), isGenuine).catch(() => {});
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

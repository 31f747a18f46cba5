import type { Limits } from '../../common/limits.ts';
import { accountOf, type Principal } from '../../identity/principal.ts';
import { type Job, jobKinds, readJobRecord } from '../../operations/asynchronous/jobs.ts';
import type { Jobs } from '../../operations/context.ts';
import { isTransient } from '../batch/failure.ts';
import type { JobToRun } from '../service.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import type { JobRunner } from './job-runner.ts';

export interface JobQueueOptions {
  readonly limits: Limits;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly beginUnit: () => UnitOfWork;
  readonly runner: Pick<JobRunner, 'run'>;
  readonly isUnsealed: () => boolean;
  /** Is notified when a job could not be finished and stays pending. */
  failed(error: unknown, client: string): void;
}

interface QueuedJob extends JobToRun {
  /** Whether another process, or this one before a restart, may have begun the job. */
  readonly isLeftBehind?: boolean;
}

/** Jobs that run at one time: slow work waits for the few prime searches that run concurrently anyway. */
const maxRunning = 2;
/**
 * A job of another process is queued here when it is older than this: a living process executes its jobs
 * itself.
 */
const leftBehindMilliseconds = 300_000;

/**
 * Runs the jobs in the order in which they came within each group. The records in the store decide: objects,
 * answers and the end of a job are one commit, so a job is done once, whichever process does it and whenever
 * one is killed. This queue only remembers which jobs there are.
 */
export class JobQueue {
  readonly #options: JobQueueOptions;
  readonly #known = new Map<string, QueuedJob>();
  readonly #running = new Map<string, Promise<void>>();
  #waiting: QueuedJob[] = [];
  /** Jobs that ended with a transient failure; they wait for the next look. */
  #postponed: QueuedJob[] = [];
  /** Whether the jobs from before the start of this process have been queued. */
  #hasLooked = false;
  /** Milliseconds since 1970. */
  #lookedAt = 0;
  #closed = false;

  constructor(options: JobQueueOptions) {
    this.#options = options;
  }

  /** Number of jobs that are not done, as far as this process knows. */
  get pending(): number {
    return this.#known.size;
  }

  /** Number of jobs that are not done and count for that account, as far as this process knows. */
  pendingOf(account: string): number {
    return [...this.#known.values()].filter((job) => job.account === account).length;
  }

  /** Queues a job whose records are committed. */
  add(job: QueuedJob): void {
    if (this.#known.has(job.id)) return;
    this.#known.set(job.id, job);
    this.#waiting.push(job);
    this.#startWaiting();
  }

  /**
   * Makes the port for operations of that principal. `inJob`: the operation is part of a job, which cannot
   * wait for another.
   */
  portFor(principal: Principal, inJob: boolean): Jobs {
    const { client, group } = principal;
    return {
      isRunning: (id) => this.#running.has(id),
      finish: async (id) => {
        const job = this.#known.get(id) ?? { id, client, group, account: accountOf(principal) };
        const isOther = (waiting: QueuedJob): boolean => waiting.id !== id;
        this.#waiting = this.#waiting.filter(isOther);
        this.#postponed = this.#postponed.filter(isOther);
        if (!inJob) await (this.#running.get(id) ?? this.#start(job));
        else if (this.#known.has(id) && !this.#running.has(id)) this.#waiting.unshift(job);
      },
    };
  }

  /**
   * Queues jobs that a restart, another process or a transient failure has left; to be called every few
   * seconds. Does nothing while the vault is sealed. Rejects when the store does.
   */
  async lookForJobs(): Promise<void> {
    const { clock, limits, beginUnit, isUnsealed } = this.#options;
    if (this.#closed || !isUnsealed()) return;
    this.#waiting.unshift(...this.#postponed.splice(0));
    this.#startWaiting();
    if (this.#hasLooked && clock() - this.#lookedAt < leftBehindMilliseconds) return;
    this.#lookedAt = clock();
    for (const { id, group, content } of await beginUnit().everyRecord(jobKinds.pending, limits.jobs)) {
      const job = readJobRecord<Job>(content);
      const { client, submitted, approval } = job;
      const since = approval?.approvedAt === undefined ? submitted / 1000 : approval.approvedAt * 1000;
      if (!this.#hasLooked || since <= clock() - leftBehindMilliseconds)
        this.add({ id, group, client, account: accountOf(job), isLeftBehind: true });
    }
    this.#hasLooked = true;
  }

  /**
   * Starts no further jobs, and waits for running ones at most `limits.drainMilliseconds`; the others stay
   * pending.
   */
  async close(): Promise<void> {
    this.#closed = true;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#options.limits.drainMilliseconds);
    await Promise.race([late, Promise.allSettled(this.#running.values())]);
    clearTimeout(timer);
  }

  #startWaiting(): void {
    while (!this.#closed && this.#running.size < maxRunning) {
      const busy = new Set([...this.#running.keys()].map((id) => this.#known.get(id)?.group));
      const next = this.#waiting.find(({ group }) => !busy.has(group));
      if (next === undefined) return;
      this.#waiting = this.#waiting.filter((waiting) => waiting !== next);
      this.#start(next).catch(() => {});
    }
  }

  #start(job: QueuedJob): Promise<void> {
    this.#known.set(job.id, job);
    const portFor = (principal: Principal) => this.portFor(principal, true);
    const end = this.#options.runner
      .run(job.id, { isLeftBehind: job.isLeftBehind === true, portFor })
      .finally(() => {
        this.#running.delete(job.id);
        this.#known.delete(job.id);
      })
      .catch((error: unknown) => {
        if (!this.#closed) this.#options.failed(error, job.client);
        if (isTransient(error)) {
          this.#known.set(job.id, job);
          this.#postponed.push(job);
        }
        throw error;
      })
      .finally(() => this.#startWaiting());
    this.#running.set(job.id, end);
    return end;
  }
}

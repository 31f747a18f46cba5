import { KmipError } from '../../common/errors.ts';
import { accountOf, type Principal } from '../../identity/principal.ts';
import {
  type ApprovedAct,
  actsOf,
  endUnrun,
  type Job,
  jobKinds,
  readJobRecord,
  type WaitingJob,
  writeJobRecord,
} from '../../operations/asynchronous/jobs.ts';
import type { Store } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
import type { JobToRun } from '../service.ts';
import { OperatorUnits } from '../unit-of-work/operator-units.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';

/** Requests that wait for an approval: of one client, and of the clients of one group. */
const maxOfClient = 20;
const maxOfGroup = 50;
/** Of all clients; beyond the first number only of groups that have fewer than so many. */
const [sharedPlaces, maxWaitingJobs, placesOfGroup] = [100, 200, 5];
/** More than there are: those of both that have expired and are not deleted yet stand among them. */
const maxListedJobs = 10_000;

/**
 * The record that every new request reads and writes: two that come at once conflict, and one of them counts
 * again.
 */
export const waitingCountKind = 'job-waiting-count';
const waitingCountId = 'all';

/** A job that waits for its approval, as administrators see it. */
export interface ListedWaitingJob {
  readonly id: string;
  readonly group: string;
  readonly job: WaitingJob;
  /** What it does of what is under the rule. */
  readonly acts: readonly ApprovedAct[];
}

const listed = (id: string, group: string, job: WaitingJob): ListedWaitingJob => ({
  ...{ id, group, job },
  acts: actsOf(job),
});

async function listWaiting(unit: UnitOfWork): Promise<readonly ListedWaitingJob[]> {
  return (await unit.everyRecord(jobKinds.waiting, maxListedJobs))
    .map(({ id, group, content }) => listed(id, group, readJobRecord<WaitingJob>(content)))
    .filter(({ job }) => job.approval.expiresAt > unit.now);
}

/**
 * Returns why no further request of a client may wait for an approval; undefined when it may. Has to be
 * called in the unit of work that stores it, as `countWaiting`.
 */
export async function findWaitingRefusal(
  unit: UnitOfWork,
  principal: Principal,
): Promise<KmipError | undefined> {
  await unit.record(waitingCountKind, waitingCountId);
  const waiting = await listWaiting(unit);
  const account = accountOf(principal);
  const ofClient = waiting.filter(({ job }) => accountOf(job) === account).length;
  const ofGroup = waiting.filter(({ group }) => group === principal.group).length;
  const max = ofGroup < placesOfGroup ? maxWaitingJobs : sharedPlaces;
  const full = [
    [ofClient, maxOfClient, 'of the client'],
    [ofGroup, maxOfGroup, 'of its group'],
    [waiting.length, max, 'of all clients'],
  ] as const;
  const [count, , whose] = full.find(([found, limit]) => found >= limit) ?? [];
  if (count === undefined) return undefined;
  return new KmipError(
    'ServerLimitExceeded',
    `${count} requests ${whose} wait for an approval: an administrator has to decide some first, or Cancel withdraws them`,
  );
}

/** Makes another unit of work that stores such a request at the same time conflict with this one. */
export function countWaiting(unit: UnitOfWork): void {
  unit.putRecord(waitingCountKind, waitingCountId, '', Uint8Array.of(0));
}

/** The requests of clients that wait for an approval. Rejects as reads of the store and the vault do. */
export class WaitingJobs {
  readonly #units: OperatorUnits;

  constructor(store: Store, vault: Vault) {
    this.#units = new OperatorUnits(store, vault);
  }

  /** Returns those that have not expired, oldest first. */
  list(): Promise<readonly ListedWaitingJob[]> {
    return listWaiting(this.#units.begin());
  }

  /** Returns one that has not expired; undefined when there is none. */
  async find(request: string): Promise<ListedWaitingJob | undefined> {
    return (await this.list()).find(({ job }) => job.approval.request === request);
  }

  /**
   * Makes a job that waits one that is to be run, in one commit: from then on any process may run it.
   * @param by name of the administrator
   * @returns undefined when it does not wait any more
   * @throws {ChangedMeanwhileError} when others never let it commit
   */
  approve(id: string, by: string): Promise<JobToRun | undefined> {
    return this.#units.change('the request was', async (unit) => {
      const found = await loadWaiting(unit, id);
      if (found === undefined) return undefined;
      const { group, job, message } = found;
      const approval = { ...job.approval, approvedBy: by, approvedAt: unit.now };
      unit.removeRecord(jobKinds.waiting, id);
      unit.putRecord(jobKinds.pending, id, group, writeJobRecord({ ...job, approval } satisfies Job));
      // It does not expire any more.
      unit.putRecord(jobKinds.message, id, group, message);
      message.fill(0);
      return { id, group, client: job.client, account: accountOf(job) };
    });
  }

  /**
   * Ends a job that waits: its client is told so.
   * @returns undefined when it does not wait any more
   * @throws {ChangedMeanwhileError} when others never let it commit
   */
  reject(id: string): Promise<ListedWaitingJob | undefined> {
    return this.#units.change('the request was', async (unit) => {
      const found = await loadWaiting(unit, id);
      if (found === undefined) return undefined;
      const { group, job, message } = found;
      message.fill(0);
      for (const kind of [jobKinds.waiting, jobKinds.message]) unit.removeRecord(kind, id);
      const { keptUntil } = job.approval;
      const done = endUnrun(job, rejection, keptUntil);
      unit.putRecord(jobKinds.done, id, group, writeJobRecord(done), keptUntil);
      return listed(id, group, job);
    });
  }
}

const rejection = new KmipError(
  'PermissionDenied',
  'the request was not approved: an administrator has rejected it',
);

async function loadWaiting(unit: UnitOfWork, id: string) {
  const record = await unit.record(jobKinds.waiting, id);
  const message = await unit.record(jobKinds.message, id);
  if (record === undefined || message === undefined) return undefined;
  const job = readJobRecord<WaitingJob>(record.content);
  if (job.approval.expiresAt <= unit.now) return undefined;
  return { group: record.group, job, message: message.content };
}

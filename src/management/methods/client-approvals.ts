import { X509Certificate } from 'node:crypto';
import { credentialIdOfKey } from '../../identity/administrator.ts';
import { omitForged } from '../../identity/principal.ts';
import { type ListedWaitingJob, WaitingJobs } from '../../protocol/jobs/waiting-jobs.ts';
import type { ManagementBackends } from '../api.ts';
import type { ApprovalSummary } from '../approval-api.ts';
import type { Caller } from '../caller.ts';
import { AccessDeniedError } from '../errors.ts';

/** Requests of clients for an approval, as those of administrators are listed, approved and rejected. */

type Backends = Pick<ManagementBackends, 'store' | 'vault' | 'clients' | 'runJob'>;
type Decision = Pick<ApprovalSummary, 'state' | 'decidedBy'>;

const waitingJobsOf = ({ store, vault }: Pick<Backends, 'store' | 'vault'>) => new WaitingJobs(store, vault);

/** Returns those that wait and have not expired, oldest first. */
export async function listClientRequests(backends: Backends): Promise<readonly ApprovalSummary[]> {
  return (await waitingJobsOf(backends).list()).map((each) => summarise(each));
}

/**
 * Approves a request of a client: its job is run at once where clients are served, else by the next process
 * that serves them.
 * @returns undefined when no request of a client with that number waits
 * @throws {AccessDeniedError} when the administrator has the key of the client
 */
export async function approveClientRequest(
  backends: Backends,
  request: string,
  caller: Caller & { readonly name: string },
): Promise<ApprovalSummary | undefined> {
  const waiting = waitingJobsOf(backends);
  const found = await waiting.find(request);
  if (found === undefined) return undefined;
  await requireOtherKey(found.job, backends, caller);
  const job = await waiting.approve(found.id, caller.name);
  if (job === undefined) return undefined;
  backends.runJob?.(job);
  return summarise(found, { state: 'executing', decidedBy: caller.name });
}

/**
 * Rejects a request of a client, which is told so when it polls.
 * @returns undefined when no request of a client with that number waits
 */
export async function rejectClientRequest(
  backends: Backends,
  request: string,
  by: string,
): Promise<ApprovalSummary | undefined> {
  const waiting = waitingJobsOf(backends);
  const found = await waiting.find(request);
  const rejected = found && (await waiting.reject(found.id));
  return rejected && summarise(rejected, { state: 'rejected', decidedBy: by });
}

/** Refuses who holds the key of the client, or of the one that has shown its ticket. */
async function requireOtherKey(
  { client, bearer }: ListedWaitingJob['job'],
  { clients }: Backends,
  { credentialId }: Caller,
): Promise<void> {
  for (const name of [client, bearer]) {
    const enrolled = name === undefined ? undefined : await omitForged(clients.byName(name));
    if (enrolled === undefined) continue;
    const { publicKey } = new X509Certificate(enrolled.certificate);
    if (credentialIdOfKey(publicKey) === credentialId)
      throw new AccessDeniedError(
        `your key is that of the client ${name}; another administrator has to approve its request`,
      );
  }
}

function summarise(
  { group, job, acts }: ListedWaitingJob,
  decision: Decision = { state: 'pending' },
): ApprovalSummary {
  const { client, bearer, items, submitted, approval } = job;
  const { request: id, role = '', expiresAt } = approval;
  const objectsOf = Map.groupBy(acts, ({ operation }) => operation);
  const params = {
    // What the whole message does, and of that what is under the rule; null: an object that it makes.
    items: items.flatMap(({ operation, cancelled }) => (cancelled === true ? [] : [operation])),
    objects: Object.fromEntries(
      [...objectsOf].map(([operation, each]) => [operation, [...new Set(each.map(({ object }) => object))]]),
    ),
  };
  return {
    ...{ id, method: [...objectsOf.keys()].join(', '), params, requester: client },
    ...{ askedAt: Math.floor(submitted / 1_000_000), expiresAt, ...decision },
    client: { group, role, ...(bearer !== undefined && { bearer }) },
  };
}

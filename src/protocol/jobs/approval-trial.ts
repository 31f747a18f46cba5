import type { RequestItem, RequestMessage, ResponseItem } from '../../../codec/envelope.ts';
import type { KmipError } from '../../common/errors.ts';
import type { ApprovedAct } from '../../operations/asynchronous/jobs.ts';
import type { Jobs } from '../../operations/context.ts';
import type { AuthenticatedRequest } from '../authentication/authentication.ts';
import { runItems } from '../batch/batch.ts';
import type { ContextFactory } from '../batch/context-factory.ts';
import { CollectedActs } from '../batch/item-approvals.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';

/** What the items of a message would do as a job that has every approval. */
export interface ApprovalTrial {
  /** The answers to items that would be refused. */
  readonly failures: ReadonlyMap<RequestItem, ResponseItem>;
  /** What the others would do of what is under the two-person rule; only of items that do something of it. */
  readonly acts: ReadonlyMap<RequestItem, readonly ApprovedAct[]>;
}

/** What a trial works with. */
export interface TrialOptions {
  readonly contexts: Pick<ContextFactory, 'createEnvironment'>;
  readonly beginUnit: () => UnitOfWork;
  unexpected(error: unknown): KmipError;
}

/** Other jobs are none of a trial. */
const noJobs: Jobs = { isRunning: () => false, finish: async () => {} };

/**
 * Executes items of a message as a job would, in a unit of work that is never committed: a message may be
 * executed again, and has no other effect. So an administrator sees what is approved, with the objects that
 * ID Placeholder, references and Locate find, and what would be refused is not asked for.
 */
export async function tryForApproval(
  request: RequestMessage,
  items: readonly RequestItem[],
  sender: AuthenticatedRequest,
  { contexts, beginUnit, unexpected }: TrialOptions,
): Promise<ApprovalTrial> {
  const unit = beginUnit();
  unit.actFor(sender.principal.group);
  const approval = new CollectedActs();
  const batch = { ...request, items: [...items] };
  const environment = contexts.createEnvironment({
    ...{ request: batch, unit, sender, approval, unexpected },
    openJobs: () => noJobs,
  });
  const answers = await runItems(batch, environment);
  const failures = new Map<RequestItem, ResponseItem>();
  const acts = new Map<RequestItem, readonly ApprovedAct[]>();
  for (const [at, item] of batch.items.entries()) {
    const [answer] = answers[at] ?? [];
    if (answer === undefined) break;
    const found = approval.of(item);
    if (answer.status === 'OperationFailed') failures.set(item, answer);
    else if (found.length > 0) acts.set(item, found);
  }
  return { failures, acts };
}

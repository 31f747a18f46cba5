import { randomBytes } from 'node:crypto';
import type { RequestItem, RequestMessage, ResponseItem } from '../../../codec/envelope.ts';
import { plan } from '../../../codec/plan.ts';
import { mayNeedApproval } from '../../common/client-approvals.ts';
import { KmipError, reasonFor } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';
import { accountOf } from '../../identity/principal.ts';
import {
  type ApprovedAct,
  actsOf,
  correlationValue,
  type Job,
  type JobItem,
  jobKinds,
  type WaitingJob,
  writeJobRecord,
} from '../../operations/asynchronous/jobs.ts';
import type { OperationName } from '../../operations/context.ts';
import { authorityOf, bearerOf } from '../../operations/enrolment.ts';
import type { RequestObserver } from '../../watch/observer.ts';
import type { BatchEnvironment } from '../batch/batch.ts';
import { requirePermission } from '../batch/execute.ts';
import { asRefusal } from '../batch/failure.ts';
import { answerBytes, availableBytes, responseTooLarge } from '../batch/response-size.ts';
import { sealedVaultRefusal } from '../sealed-vault.ts';
import type { ApprovalTrial } from './approval-trial.ts';
import type { JobQueue } from './job-queue.ts';
import { countWaiting, findWaitingRefusal } from './waiting-jobs.ts';

/**
 * Operations that are always answered at once: their answers are about asynchronous work itself, or about the
 * connection and its certificate.
 */
const synchronousOperations: ReadonlySet<unknown> = new Set<OperationName>([
  'Poll',
  'Cancel',
  'SetEndpointRole',
  'ReProvision',
]);

/** Acts that one request may ask for: an administrator has to read them. */
const maxActs = 256;

/** Length of the Asynchronous Correlation Value as an item. */
const valueBytes = 32;

export interface SubmissionOptions {
  readonly queue: JobQueue;
  readonly limits: Limits;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** How long a request waits for an approval. */
  readonly approvalSeconds: number;
  readonly observer: Pick<RequestObserver, 'approvalAsked'>;
}

/** How a message is asked an approval for. */
export interface ApprovalSubmission {
  /** Tells what items would do with every approval. */
  tryOut(items: readonly RequestItem[]): Promise<ApprovalTrial>;
  /** Is told what each item waits for, with the number of the request. */
  waits(item: RequestItem, request: string, acts: readonly ApprovedAct[]): void;
}

/** A message that needs an approval. */
interface NeededApproval extends ApprovalTrial, Pick<ApprovalSubmission, 'waits'> {
  /** Why it cannot be asked for. */
  readonly refusal: KmipError | undefined;
}

/**
 * Decides whether a message is answered as pending, and stores it as a job then (KMIP 2.1 §8.1.2, 1.4 §7.2
 * "Asynchronous Indicator"). A job is a whole message, so that batch options and the ID Placeholder keep
 * their meaning in it.
 */
export class AsynchronousSubmission {
  readonly #options: SubmissionOptions;

  constructor(options: SubmissionOptions) {
    this.#options = options;
  }

  /**
   * Returns the answers to a message that becomes a job; undefined when the message has to be executed at
   * once. Mandatory demands a job. Optional, and true in 1.x, allow one: the message becomes a job where an
   * item may take longer than clients like to wait and no item would be refused. One that needs the approval
   * of an administrator becomes a job that waits for it.
   */
  async submitIfAsynchronous(
    request: RequestMessage,
    environment: BatchEnvironment,
    approvals: ApprovalSubmission,
  ): Promise<readonly ResponseItem[] | undefined> {
    const { AsynchronousIndicator: indicator } = request.header;
    const isDemanded = indicator === 'Mandatory';
    if (!isDemanded && indicator !== 'Optional' && indicator !== true) return undefined;
    // A client that may not Poll could never fetch the answer.
    if (isDemanded || environment.principal.may('Poll')) {
      const needed = await this.#findNeededApproval(request, environment, approvals);
      if (needed !== undefined) return this.#submit(request, environment, needed);
    }
    if (isDemanded) return this.#submit(request, environment);
    return (await this.#isWorthwhile(request, environment)) ? this.#submit(request, environment) : undefined;
  }

  async #isWorthwhile(request: RequestMessage, environment: BatchEnvironment): Promise<boolean> {
    if (!environment.principal.may('Poll')) return false;
    if (request.items.some((item) => this.#refusalOf(item, request, environment) !== undefined)) return false;
    for (const item of request.items) if (await isSlow(item, request, environment)) return true;
    return false;
  }

  async #findNeededApproval(
    request: RequestMessage,
    environment: BatchEnvironment,
    { tryOut, waits }: ApprovalSubmission,
  ): Promise<NeededApproval | undefined> {
    const { unit, principal } = environment;
    const { needsApproval } = principal;
    if (needsApproval === undefined) return undefined;
    if (!request.items.some(({ operation }) => mayNeedApproval(operation, needsApproval))) return undefined;
    const items = request.items.filter((item) => this.#refusalOf(item, request, environment) === undefined);
    const trial = await tryOut(items);
    if (trial.acts.size === 0) return undefined;
    const count = trial.acts.values().reduce((sum, { length }) => sum + length, 0);
    const refusal =
      count > maxActs
        ? new KmipError('ServerLimitExceeded', `one approval is for at most ${maxActs} objects`)
        : await findWaitingRefusal(unit, principal);
    return { ...trial, waits, refusal };
  }

  /**
   * Adds the message to the unit of work as a job, and answers its items as pending. Items that can be
   * refused already are refused now, and the batch options apply to that.
   */
  #submit(
    request: RequestMessage,
    environment: BatchEnvironment,
    needed?: NeededApproval,
  ): readonly ResponseItem[] {
    const option = request.header.BatchErrorContinuationOption ?? 'Stop';
    const id = randomBytes(16).toHex();
    let items: JobItem[] = [];
    let answers: ResponseItem[] = [];
    let available = availableBytes(request, environment.responseBytes);
    for (const [at, item] of request.items.entries()) {
      const head = { operation: item.operation, uniqueBatchItemID: item.uniqueBatchItemID };
      available -= answerBytes(item, valueBytes);
      const failure =
        this.#refusalOf(item, request, environment) ??
        needed?.refusal ??
        (available < 0 ? responseTooLarge() : undefined);
      const refused =
        failure === undefined
          ? needed?.failures.get(item)
          : { reason: reasonFor(failure, request.version), message: failure.message };
      if (refused === undefined) {
        const asynchronousCorrelationValue = correlationValue(id, items.length);
        answers.push({ ...head, status: 'OperationPending', asynchronousCorrelationValue });
        const acts = needed?.acts.get(item);
        items.push({ operation: item.operation as OperationName, at, ...(acts && { acts }) });
        continue;
      }
      if (failure !== undefined) environment.observeRefusal(failure);
      if (option === 'Undo') {
        answers = answers.map(({ operation, uniqueBatchItemID }) => {
          return { operation, uniqueBatchItemID, status: 'OperationUndone' };
        });
        items = [];
      }
      const { reason, message } = refused;
      answers.push({ ...head, status: 'OperationFailed', reason, message });
      if (option !== 'Continue') break;
    }
    if (items.length === 0) return answers;
    const { principal } = environment;
    const job: Job = {
      ...authorityOf(principal),
      ...bearerOf(principal),
      ...(principal.rights !== undefined && { rights: principal.rights }),
      submitted: this.#options.clock() * 1000,
      items,
      resumed: 0,
    };
    // What needs an approval may have been refused with an item before it.
    if (needed === undefined || actsOf(job).length === 0) this.#store(id, job, request, environment);
    else this.#storeWaiting(id, job, request, environment, needed);
    return answers;
  }

  #store(id: string, job: Job, request: RequestMessage, { principal, unit }: BatchEnvironment): void {
    const { queue } = this.#options;
    const { client, group } = principal;
    const layer = unit.layer('unused');
    layer.records.put(jobKinds.pending, id, writeJobRecord(job));
    layer.records.put(jobKinds.message, id, request.bytes);
    layer.afterCommit(() => queue.add({ id, group, client, account: accountOf(principal) }));
    layer.keep();
  }

  /** No process runs the job until its approval has made it one like others. */
  #storeWaiting(
    id: string,
    job: Job,
    { items, bytes }: RequestMessage,
    { principal, unit }: BatchEnvironment,
    { waits }: NeededApproval,
  ): void {
    const { limits, approvalSeconds, observer } = this.#options;
    const request = randomBytes(6).toHex();
    for (const { at, acts = [] } of job.items) waits(items[at] as RequestItem, request, acts);
    const expiresAt = unit.now + approvalSeconds;
    const keptUntil = expiresAt + limits.jobAnswerSeconds;
    const approval = { request, role: principal.role, expiresAt, keptUntil };
    const waiting = { ...job, approval } satisfies WaitingJob;
    countWaiting(unit);
    const layer = unit.layer('unused');
    layer.records.put(jobKinds.waiting, id, writeJobRecord(waiting), keptUntil);
    layer.records.put(jobKinds.message, id, bytes, keptUntil);
    const { client, role } = principal;
    const operations = [...new Set(actsOf(job).map(({ operation }) => operation))];
    layer.afterCommit(() => observer.approvalAsked?.({ client, role, approval: request, operations }));
    layer.keep();
  }

  /** Returns why an item cannot become part of a job; undefined when it can. */
  #refusalOf(
    item: RequestItem,
    { bytes }: RequestMessage,
    environment: BatchEnvironment,
  ): KmipError | undefined {
    const { queue, limits } = this.#options;
    if (synchronousOperations.has(item.operation))
      return new KmipError('FeatureNotSupported', 'this operation cannot be asynchronous');
    if (!environment.unsealed || environment.principal.isProvisional) return sealedVaultRefusal();
    if (bytes.length > limits.jobBytes)
      return new KmipError(
        'ServerLimitExceeded',
        `a message of more than ${limits.jobBytes} bytes is not kept for later`,
      );
    if (
      queue.pending >= limits.jobs ||
      queue.pendingOf(accountOf(environment.principal)) >= limits.jobsPerClient
    )
      return new KmipError('ServerLimitExceeded', 'too many requests are pending: wait until some are done');
    try {
      requireItemPermission(item, environment);
    } catch (error) {
      if (error instanceof KmipError) return error;
      throw error;
    }
    return undefined;
  }
}

/** Whether the operation says that this request may take long. */
async function isSlow(
  item: RequestItem,
  { version }: RequestMessage,
  environment: BatchEnvironment,
): Promise<boolean> {
  if (environment.operations.get(item.operation)?.slow === undefined) return false;
  try {
    const { operation, context } = requireItemPermission(item, environment);
    const payload = plan(operation.request, version).read(item.payload.fork());
    return (await operation.slow?.(payload, context.work)) ?? false;
  } catch (error) {
    // An invalid request is executed at once, so that the client learns of its mistake without polling.
    if (asRefusal(error) === undefined) throw error;
    return false;
  }
}

function requireItemPermission(
  item: RequestItem,
  environment: BatchEnvironment,
): ReturnType<typeof requirePermission> {
  const context = environment.createContext(item, environment.unit.layer('unused'));
  return requirePermission(item, context, environment);
}

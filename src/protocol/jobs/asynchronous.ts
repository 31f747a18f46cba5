import { randomBytes } from 'node:crypto';
import type { RequestItem, RequestMessage, ResponseItem } from '../../../codec/envelope.ts';
import { plan } from '../../../codec/plan.ts';
import { KmipError, reasonFor } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';
import { accountOf } from '../../identity/principal.ts';
import {
  correlationValue,
  type Job,
  type JobItem,
  jobKinds,
  writeJobRecord,
} from '../../operations/asynchronous/jobs.ts';
import type { OperationName } from '../../operations/context.ts';
import { authorityOf, bearerOf } from '../../operations/enrolment.ts';
import type { BatchEnvironment } from '../batch/batch.ts';
import { requirePermission } from '../batch/execute.ts';
import { asRefusal } from '../batch/failure.ts';
import { answerBytes, availableBytes, responseTooLarge } from '../batch/response-size.ts';
import { sealedVaultRefusal } from '../sealed-vault.ts';
import type { JobQueue } from './job-queue.ts';

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

/** Length of the Asynchronous Correlation Value as an item. */
const valueBytes = 32;

export interface SubmissionOptions {
  readonly queue: JobQueue;
  readonly limits: Limits;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
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
   * item may take longer than clients like to wait and no item would be refused.
   */
  async submitIfAsynchronous(
    request: RequestMessage,
    environment: BatchEnvironment,
  ): Promise<readonly ResponseItem[] | undefined> {
    const { AsynchronousIndicator: indicator } = request.header;
    if (indicator === 'Mandatory') return this.#submit(request, environment);
    if (indicator !== 'Optional' && indicator !== true) return undefined;
    return (await this.#isWorthwhile(request, environment)) ? this.#submit(request, environment) : undefined;
  }

  async #isWorthwhile(request: RequestMessage, environment: BatchEnvironment): Promise<boolean> {
    // A client that may not Poll could never fetch the answer.
    if (!environment.principal.may('Poll')) return false;
    if (request.items.some((item) => this.#refusalOf(item, request, environment) !== undefined)) return false;
    for (const item of request.items) if (await isSlow(item, request, environment)) return true;
    return false;
  }

  /**
   * Adds the message to the unit of work as a job, and answers its items as pending. Items that can be
   * refused already are refused now, and the batch options apply to that.
   */
  #submit(request: RequestMessage, environment: BatchEnvironment): readonly ResponseItem[] {
    const option = request.header.BatchErrorContinuationOption ?? 'Stop';
    const id = randomBytes(16).toHex();
    let items: JobItem[] = [];
    let answers: ResponseItem[] = [];
    let available = availableBytes(request, environment.responseBytes);
    for (const [at, item] of request.items.entries()) {
      const head = { operation: item.operation, uniqueBatchItemID: item.uniqueBatchItemID };
      available -= answerBytes(item, valueBytes);
      const failure =
        this.#refusalOf(item, request, environment) ?? (available < 0 ? responseTooLarge() : undefined);
      if (failure === undefined) {
        const asynchronousCorrelationValue = correlationValue(id, items.length);
        answers.push({ ...head, status: 'OperationPending', asynchronousCorrelationValue });
        items.push({ operation: item.operation as OperationName, at });
        continue;
      }
      environment.observeRefusal(failure);
      if (option === 'Undo') {
        answers = answers.map(({ operation, uniqueBatchItemID }) => {
          return { operation, uniqueBatchItemID, status: 'OperationUndone' };
        });
        items = [];
      }
      const reason = reasonFor(failure, request.version);
      answers.push({ ...head, status: 'OperationFailed', reason, message: failure.message });
      if (option !== 'Continue') break;
    }
    if (items.length > 0) this.#store(id, items, request, environment);
    return answers;
  }

  #store(
    id: string,
    items: readonly JobItem[],
    request: RequestMessage,
    { principal, unit }: BatchEnvironment,
  ): void {
    const { queue, clock } = this.#options;
    const { client, group, rights } = principal;
    const job: Job = {
      ...authorityOf(principal),
      ...bearerOf(principal),
      ...(rights !== undefined && { rights }),
      submitted: clock() * 1000,
      items,
      resumed: 0,
    };
    const layer = unit.layer('unused');
    layer.records.put(jobKinds.pending, id, writeJobRecord(job));
    layer.records.put(jobKinds.message, id, request.bytes);
    layer.afterCommit(() => queue.add({ id, group, client, account: accountOf(principal) }));
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

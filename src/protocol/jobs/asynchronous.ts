import { randomBytes } from 'node:crypto';
import type { RequestItem, RequestMessage, ResponseItem } from '../../../codec/envelope.ts';
import { plan } from '../../../codec/plan.ts';
import { KmipError, reasonFor } from '../../common/errors.ts';
import type { Limits } from '../../common/limits.ts';
import type { Principal } from '../../identity/principal.ts';
import {
  correlationValue,
  type Job,
  type JobItem,
  jobKinds,
  writeJobRecord,
} from '../../operations/asynchronous/jobs.ts';
import type { OperationName } from '../../operations/context.ts';
import { availableBytes, type BatchEnvironment, bytesOf } from '../batch/batch.ts';
import { permitted } from '../batch/execute.ts';
import { asRefusal } from '../batch/failure.ts';
import type { JobQueue } from './job-queue.ts';

/**
 * Whether a message is answered before it is done, and what it is answered then (KMIP 2.1 §8.1.2, 1.4 §7.2 "Asynchronous
 * Indicator"). The job is the whole message, so that batch options and the ID Placeholder keep their meaning in it.
 */

/** Their answers are about asynchronous work itself, or about the connection and its certificate: neither can come later. */
const neverLater: ReadonlySet<unknown> = new Set<OperationName>([
  'Poll',
  'Cancel',
  'SetEndpointRole',
  'ReProvision',
]);

/** Asynchronous Correlation Value as an item. */
const valueBytes = 32;

interface Submission extends BatchEnvironment {
  readonly principal: Principal;
  readonly queue: JobQueue;
  readonly limits: Limits;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/**
 * The answers to a message that is done later; undefined where it is to be done at once. Mandatory demands it. Optional,
 * and true in 1.x, only allow it: it is done where an item may take longer than clients like to wait, and only where
 * nothing stands in the way.
 */
export async function submitIfAsynchronous(
  request: RequestMessage,
  submission: () => Submission,
): Promise<readonly ResponseItem[] | undefined> {
  const { AsynchronousIndicator: indicator } = request.header;
  if (indicator === 'Mandatory') return submit(request, submission());
  if (indicator !== 'Optional' && indicator !== true) return undefined;
  const allowed = submission();
  return (await isWorthIt(request, allowed)) ? submit(request, allowed) : undefined;
}

async function isWorthIt(request: RequestMessage, submission: Submission): Promise<boolean> {
  // Whoever may not ask for the answer must have it now.
  if (!submission.principal.may('Poll')) return false;
  if (request.items.some((item) => refusalOf(item, request, submission) !== undefined)) return false;
  for (const item of request.items) if (await isSlow(item, request, submission)) return true;
  return false;
}

async function isSlow(
  item: RequestItem,
  { version }: RequestMessage,
  submission: Submission,
): Promise<boolean> {
  if (submission.operations.get(item.operation)?.slow === undefined) return false;
  try {
    const { operation, context } = allowed(item, submission);
    const asked = plan(operation.request, version).read(item.payload.fork());
    return (await operation.slow?.(asked, context.work)) ?? false;
  } catch (error) {
    // What is wrong with the request is better told at once.
    if (asRefusal(error) === undefined) throw error;
    return false;
  }
}

/**
 * Puts the message into the unit as a job, and answers its items as pending. What can be refused already is; batch
 * options apply to that as if it had failed now.
 */
function submit(request: RequestMessage, submission: Submission): readonly ResponseItem[] {
  const { principal, queue, unit, clock } = submission;
  const option = request.header.BatchErrorContinuationOption ?? 'Stop';
  const id = randomBytes(16).toHex();
  let items: JobItem[] = [];
  let answers: ResponseItem[] = [];
  let room = availableBytes(request, submission);
  for (const [at, item] of request.items.entries()) {
    const head = { operation: item.operation, uniqueBatchItemID: item.uniqueBatchItemID };
    room -= bytesOf(item, [valueBytes]);
    const failure = refusalOf(item, request, submission) ?? tooLarge(room);
    if (failure === undefined) {
      const asynchronousCorrelationValue = correlationValue(id, items.length);
      answers.push({ ...head, status: 'OperationPending', asynchronousCorrelationValue });
      items.push({ operation: item.operation as OperationName, at });
      continue;
    }
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
  if (items.length > 0) {
    const { client, group, rights, ticket } = principal;
    const job: Job = {
      client,
      ...(rights !== undefined && { rights }),
      ...(ticket !== undefined && { ticket }),
      submitted: clock() * 1000,
      items,
      resumed: 0,
    };
    const layer = unit.layer();
    layer.records.put(jobKinds.pending, id, writeJobRecord(job));
    layer.records.put(jobKinds.message, id, request.bytes);
    layer.afterCommit(() => queue.add({ id, group, client }));
    layer.keep();
  }
  return answers;
}

/** Why an item cannot be done later; undefined when it can. */
function refusalOf(
  item: RequestItem,
  { bytes }: RequestMessage,
  submission: Submission,
): KmipError | undefined {
  const { queue, limits, principal } = submission;
  if (neverLater.has(item.operation))
    return new KmipError('FeatureNotSupported', 'this operation cannot be asynchronous');
  if (!submission.unsealed)
    return new KmipError(
      'GeneralFailure',
      'the vault is sealed: an operator has to make the root key available',
    );
  if (bytes.length > limits.jobBytes)
    return new KmipError(
      'ServerLimitExceeded',
      `a message of more than ${limits.jobBytes} bytes is not kept for later`,
    );
  if (queue.pending >= limits.jobs || queue.pendingOf(principal.client) >= limits.jobsPerClient)
    return new KmipError('ServerLimitExceeded', 'too many requests are pending: wait until some are done');
  try {
    allowed(item, submission);
  } catch (error) {
    if (error instanceof KmipError) return error;
    throw error;
  }
  return undefined;
}

function allowed(item: RequestItem, submission: Submission) {
  const { unit } = submission;
  return permitted(
    item,
    submission.context(unit.layer(), item, () => {}),
    submission,
  );
}

function tooLarge(room: number): KmipError | undefined {
  return room < 0
    ? new KmipError('ResponseTooLarge', 'the answer is larger than Maximum Response Size')
    : undefined;
}

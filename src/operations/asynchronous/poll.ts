import { bytes, one, struct } from '../../../codec/schema.ts';
import { fail, KmipError, reasonFor } from '../../common/errors.ts';
import { readJson } from '../../common/json.ts';
import type { AnsweredObject, Context, EarlierAnswer } from '../context.ts';
import { conversation, operation } from '../operation.ts';
import { disclosingOperations, isErased } from './held-objects.ts';
import {
  changeItem,
  type DoneAnswer,
  type DoneItem,
  type DoneJob,
  type FoundItem,
  findJob,
  jobKinds,
  writeJobRecord,
} from './jobs.ts';

/** Seconds for which a fetched answer can be fetched again, because it may have been lost. */
const refetchSeconds = 300;

/**
 * Poll (KMIP 2.1 §6.1.38, 1.4 §4.28): the state of a request that was answered as pending. A finished request
 * is answered with its own response items, payloads encoded in the version of that request; they remain
 * available for a while, so that a lost answer can be fetched again.
 */
export const Poll = operation({
  name: 'Poll',
  since: '1.0',
  request: struct({ AsynchronousCorrelationValue: one(bytes) }),
  response: struct({}),
  target: conversation(),
  limitedRight: 'own-jobs',
  values: 'unused',
  async handle({ AsynchronousCorrelationValue: value }, context) {
    const found = await findJob(value, context);
    if (found === undefined) {
      fail(
        'InvalidAsynchronousCorrelationValue',
        'no request of yours is known under that correlation value',
        'ItemNotFound',
      );
    }
    const { operation: polled } = found.item;
    // The role may have changed since the request.
    if (!context.principal.may(polled)) context.answerWith([refusal(polled, context)]);
    else if ('done' in found) context.answerWith(await fetchAnswers(found, context));
    else if (found.item.cancelled === true) context.answerWith([cancelledAnswer(found.item.operation)]);
    else if ('waiting' in found && found.waiting.approval.expiresAt <= context.now)
      context.answerWith([{ ...notApproved, operation: polled }]);
    else
      context.answerWith([
        {
          operation: 'Poll',
          status: 'OperationPending',
          asynchronousCorrelationValue: value.slice(),
        },
      ]);
    return {};
  },
});

/** The answer to a request that no administrator has approved in time. */
const notApproved: Omit<EarlierAnswer, 'operation'> = {
  status: 'OperationFailed',
  reason: 'PermissionDenied',
  message: 'the request was not approved in time',
};

/**
 * Returns the refusal of answers about objects that the client may not have any more; it stays to be fetched.
 */
async function findRefusal(
  { operation, answers, objects: range }: DoneItem,
  job: DoneJob,
  content: Uint8Array | undefined,
  { renewedAccess, version, principal }: Context,
): Promise<EarlierAnswer | undefined> {
  if (!answers.some(({ status, payload }) => status === 'Success' && payload !== undefined)) return undefined;
  const list = range && content?.subarray(...range);
  try {
    if (disclosingOperations.has(operation)) requireSameForm(job, principal);
    await renewedAccess.require(operation, list && readJson<readonly AnsweredObject[]>(list));
    // The object is there, because a destroyed one has been refused.
    if (answers.some(({ payload }) => payload !== undefined && isErased(content?.subarray(...payload))))
      fail(
        'WrongKeyLifecycleState',
        'the value of an object of the answer has been replaced since: send the request again',
      );
    return undefined;
  } catch (error) {
    if (!(error instanceof KmipError)) throw error;
    const { message } = error;
    return { operation, status: 'OperationFailed', reason: reasonFor(error, version), message };
  }
}

/**
 * Refuses the answers of a job that ran when the role let values leave in other formats, or unwrapped.
 * @throws {KmipError} PermissionDenied
 */
function requireSameForm({ restrictions }: DoneJob, principal: Context['principal']): void {
  const current = principal.restrictions?.();
  const isRestricted = current !== undefined && (current.isWrappingRequired || current.formats !== undefined);
  if (isRestricted && current.text !== restrictions)
    fail('PermissionDenied', 'the role of the client has changed since: send the request again');
}

function cancelledAnswer(operation: DoneItem['operation']): EarlierAnswer {
  const [reason, message] = ['OperationCanceledByRequester', 'the request was cancelled'] as const;
  return { operation, status: 'OperationFailed', reason, message };
}

function refusal(operation: DoneItem['operation'], { principal, version }: Context): EarlierAnswer {
  const message = `the role of ${principal.client} does not include ${operation}`;
  const reason = reasonFor(new KmipError('PermissionDenied', message), version);
  return { operation, status: 'OperationFailed', reason, message };
}

async function fetchAnswers(
  { id, index, done, item }: Extract<FoundItem, { done: unknown }>,
  context: Context,
): Promise<readonly EarlierAnswer[]> {
  const {
    work: { records },
    version,
    now,
  } = context;
  const payloads = await records.load(jobKinds.answers, id);
  const refused = await findRefusal(item, done, payloads, context);
  if (refused !== undefined) return [refused];
  if (item.fetched !== true) {
    const items = changeItem(done.items, index, { fetched: true });
    const isLast = items.every(({ fetched, cancelled }) => fetched === true || cancelled === true);
    const expires = isLast ? Math.min(done.expires, now + refetchSeconds) : done.expires;
    records.put(jobKinds.done, id, writeJobRecord({ ...done, items, expires }), expires);
    // Answers may contain keys that have been destroyed since, so they expire soon.
    if (isLast && payloads !== undefined) records.put(jobKinds.answers, id, payloads, expires);
  }
  return item.answers.map(({ status, reason, message, payload }: DoneAnswer) => ({
    operation: item.operation,
    status,
    ...(typeof reason === 'string' && { reason: reasonFor(new KmipError(reason, ''), version) }),
    ...(message !== undefined && { message }),
    ...(payload !== undefined && { payload: payloads?.subarray(...payload) }),
  }));
}

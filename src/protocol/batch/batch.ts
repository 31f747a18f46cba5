import type { RequestItem, RequestMessage, ResponseItem } from '../../../codec/envelope.ts';
import type { Version } from '../../../codec/version.ts';
import { KmipError, reasonFor } from '../../common/errors.ts';
import type { Context, EarlierAnswer } from '../../operations/context.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import { EventLoopYield } from './event-loop-yield.ts';
import { type Execution, execute } from './execute.ts';
import { asRefusal } from './failure.ts';

/** Runs the items of one message. Knows no operation. */
export interface BatchEnvironment extends Execution {
  readonly unit: UnitOfWork;
  /** Room for the whole response, in TTLV bytes. */
  readonly responseBytes: number;
  /** The item context over a layer. */
  context(work: Context['work'], item: RequestItem, answerWith: Context['answerWith']): Context;
  /** Turns weather and bugs into an error for the client, which carries a reference for the log. */
  unexpected(error: unknown): KmipError;
  /** Whether the error is no answer, because the message is tried again later; it is thrown on. */
  isRetryable?(error: unknown): boolean;
  /** Items of a job that the client has cancelled since. */
  isCancelled?(item: RequestItem): boolean;
}

/** What one item came to, before it is written. */
interface Outcome {
  readonly item: RequestItem;
  /** One, or one for each repetition of the item. */
  readonly payloads?: readonly Uint8Array[];
  /** Answers to be given instead of its own. */
  readonly earlier?: readonly EarlierAnswer[];
  readonly failure?: KmipError;
}

const none = new Uint8Array(0);

/** Bytes of a response around its items: message, header, version, time stamp, count. */
const headBytes = 8 + 8 + 40 + 16 + 16;
/** Bytes of a successful item around its payload: item, operation, status. */
const itemBytes = 8 + 16 + 16;
/** Bytes of a failed item beyond those: reason and message, as a rule. */
const failureBytes = 64;

/**
 * Executes the items in order and says what to answer (KMIP 1.4 §7.2, 2.1 §8). Stop leaves later items unrun and
 * unanswered, Continue goes on, Undo takes back everything before the failure and answers it as undone, payload kept.
 */
export async function runBatch(
  request: RequestMessage,
  environment: BatchEnvironment,
): Promise<ResponseItem[]> {
  return (await runItems(request, environment)).flat();
}

/** The same, with the answers of each item by themselves. */
export async function runItems(
  request: RequestMessage,
  environment: BatchEnvironment,
): Promise<ResponseItem[][]> {
  const option = request.header.BatchErrorContinuationOption ?? 'Stop';
  const outcomes: Outcome[] = [];
  let room = availableBytes(request, environment);
  const pauses = new EventLoopYield();
  for (const item of request.items) {
    if (pauses.isDue) await pauses.take();
    const outcome = await runItem(item, environment, room);
    outcomes.push(outcome);
    room -= bytesOf(item, outcome.payloads?.map(({ length }) => length) ?? [failureBytes]);
    if (outcome.failure === undefined || option === 'Continue') continue;
    if (option === 'Undo') environment.unit.undo();
    break;
  }
  const undone = option === 'Undo' && outcomes.some((outcome) => outcome.failure !== undefined);
  return outcomes.map((outcome) => answers(outcome, request.version, undone));
}

/** Room for all items of the response. */
export function availableBytes(request: RequestMessage, { responseBytes }: BatchEnvironment): number {
  return responseBytes - headBytes - correlationBytes(request);
}

/** Room that the answers to an item take whose payloads have these lengths. */
export function bytesOf({ uniqueBatchItemID: id }: RequestItem, lengths: readonly number[]): number {
  const around = itemBytes + (id === undefined ? 0 : 16 + id.length);
  return lengths.reduce((sum, length) => sum + around + length, 0);
}

function correlationBytes({ header }: RequestMessage): number {
  return header.ClientCorrelationValue === undefined ? 0 : 16 + header.ClientCorrelationValue.length * 3;
}

async function runItem(item: RequestItem, environment: BatchEnvironment, room: number): Promise<Outcome> {
  const layer = environment.unit.layer();
  let earlier: readonly EarlierAnswer[] | undefined;
  const answerWith: Context['answerWith'] = (answers) => {
    earlier = answers;
  };
  try {
    if (environment.isCancelled?.(item) === true)
      throw new KmipError('OperationCanceledByRequester', 'the request was cancelled');
    const made = await execute(item, environment.context(layer, item, answerWith), environment);
    const payloads = earlier?.map(({ payload }) => payload ?? none) ?? made;
    if (
      bytesOf(
        item,
        payloads.map(({ length }) => length),
      ) > room
    )
      throw new KmipError('ResponseTooLarge', 'the answer is larger than Maximum Response Size');
    layer.keep();
    return { item, payloads, ...(earlier !== undefined && { earlier }) };
  } catch (error) {
    if (environment.isRetryable?.(error) === true) throw error;
    return { item, failure: asRefusal(error) ?? environment.unexpected(error) };
  }
}

function answers(
  { item, payloads = [], earlier, failure }: Outcome,
  version: Version,
  undone: boolean,
): ResponseItem[] {
  const head = {
    operation: item.operation,
    uniqueBatchItemID: item.uniqueBatchItemID,
  };
  if (failure !== undefined) {
    const reason = reasonFor(failure, version);
    return [{ ...head, status: 'OperationFailed', reason, message: failure.message }];
  }
  if (earlier !== undefined) {
    return earlier.map(({ payload, status, ...answer }) => ({
      ...head,
      ...answer,
      status: undone && status === 'Success' ? 'OperationUndone' : status,
      payload: payload && ((writer) => writer.raw(payload)),
    }));
  }
  return payloads.map((payload) => ({
    ...head,
    status: undone ? 'OperationUndone' : 'Success',
    payload: (writer) => writer.raw(payload),
  }));
}

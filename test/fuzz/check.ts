import { Operation, ResultReason, ResultStatus } from '../../codec/enums.ts';
import {
  decodeRequest,
  type RequestItem,
  type RequestMessage,
  ResponseHeader,
} from '../../codec/envelope.ts';
import { plan } from '../../codec/plan.ts';
import { bytes, type Custom, many, maybe, one, struct, text } from '../../codec/schema.ts';
import { tagNumber } from '../../codec/tags.ts';
import { eraOf, type Version, versionOf } from '../../codec/version.ts';
import { BinaryReader, checkStructure } from '../../codec/wire/binary-reader.ts';
import { BinaryWriter } from '../../codec/wire/binary-writer.ts';
import { defaultLimits } from '../../src/common/limits.ts';
import { operations } from '../../src/operations/index.ts';

/** Requirements on every response, whatever the request. */

const wireLimits = { depth: 64, structureItems: 100_000 };

const unread: Custom<BinaryReader> = {
  kind: 'custom',
  examples: () => [],
  compile: () => ({ read: (reader) => reader.detach(), write: () => {} }),
};

const answeredItem = struct({
  Operation: maybe(Operation),
  UniqueBatchItemID: maybe(bytes),
  ResultStatus: one(ResultStatus),
  ResultReason: maybe(ResultReason),
  ResultMessage: maybe(text),
  AsynchronousCorrelationValue: maybe(bytes),
  ResponsePayload: maybe(unread),
});
const answeredMessage = struct({ ResponseHeader: one(ResponseHeader), BatchItem: many(answeredItem) });

/** Stacks, paths, drivers, and values that were never meant to be seen. */
const internal =
  /\bat .+:\d+|\.[jt]s\b|node:|[A-Z]\w*Error\b|undefined|NaN|\[object|Cannot |is not a function|not iterable|SQLITE|SQL|database|constraint|errno|\bE(?:NOENT|ACCES|INVAL|IO|NOSPC|MFILE|PIPE|CONN\w+)\b/;

export interface CheckResult {
  /** Result reasons of the answer, `Success` for items that went well. */
  readonly results: readonly string[];
  /** The violated requirement. */
  readonly problem?: string;
}

class RuleViolationError extends Error {}

/** Judges one answer to one request, both as they went over the wire. */
export function checkResponse(request: Uint8Array, response: Uint8Array): CheckResult {
  try {
    return { results: check(request, response) };
  } catch (error) {
    const problem =
      error instanceof RuleViolationError ? error.message : `the answer cannot be read: ${String(error)}`;
    return { results: [], problem };
  }
}

function check(request: Uint8Array, response: Uint8Array): string[] {
  checkStructure(response, wireLimits);
  const version = versionOfAnswer(response);
  const asked = readable(request);
  if (asked !== undefined && asked.version !== version) {
    throw new RuleViolationError(`asked in ${asked.version}, answered in ${version}`);
  }
  const { ResponseHeader: header, BatchItem: items } = plan(answeredMessage, version).read(
    new BinaryReader(response),
  );
  if (header.BatchCount !== items.length)
    throw new RuleViolationError(`Batch Count ${header.BatchCount}, ${items.length} items`);
  if (items.length === 0) throw new RuleViolationError('no item');
  checkCount(asked, items);
  return items.map((item, index) => {
    const status = String(item.ResultStatus);
    if (status === 'OperationPending') return checkPending(item);
    if (status !== 'Success' && status !== 'OperationFailed' && status !== 'OperationUndone')
      throw new RuleViolationError(`status ${status}`);
    if (status === 'OperationFailed') return checkFailure(item, version);
    if (item.ResultReason !== undefined) throw new RuleViolationError('a reason although nothing failed');
    // Undone items keep only payloads that hold identifiers and no output.
    if (item.ResponsePayload === undefined && status === 'OperationUndone') return status;
    if (item.ResponsePayload === undefined) throw new RuleViolationError(`item ${index} has no payload`);
    checkPayload(String(item.Operation), item.ResponsePayload, version);
    return status;
  });
}

function versionOfAnswer(response: Uint8Array): Version {
  const view = new DataView(response.buffer, response.byteOffset, response.byteLength);
  const version = response.length < 52 ? undefined : versionOf(view.getInt32(32), view.getInt32(48));
  if (version === undefined || view.getUint32(0) >>> 8 !== tagNumber('ResponseMessage'))
    throw new RuleViolationError('no Response Message');
  return version;
}

/** The request as the server must have understood it; undefined when it is refused as a whole. */
function readable(request: Uint8Array): RequestMessage | undefined {
  try {
    return decodeRequest(request, defaultLimits);
  } catch {
    return undefined;
  }
}

interface AnsweredItem {
  readonly Operation?: Operation | undefined;
  readonly UniqueBatchItemID?: Uint8Array | undefined;
  readonly ResultStatus: ResultStatus;
  readonly ResultReason?: ResultReason | undefined;
  readonly ResultMessage?: string | undefined;
  readonly AsynchronousCorrelationValue?: Uint8Array | undefined;
  readonly ResponsePayload?: BinaryReader | undefined;
}

/**
 * One item per item asked (or several, all alike), up to the first failure unless Continue; or the same
 * failure for each item of a message that is refused as a whole.
 */
function checkCount(asked: RequestMessage | undefined, items: readonly AnsweredItem[]): void {
  const [first] = items;
  if (asked === undefined) {
    if (!isRefusal(items)) throw new RuleViolationError('a message that cannot be read was executed');
    return;
  }
  if (first?.Operation === undefined) {
    if (items.length !== 1) throw new RuleViolationError('an item without an operation among others');
    if (first?.ResultStatus !== 'OperationFailed')
      throw new RuleViolationError('success without an operation');
    return;
  }
  let answered = 0;
  for (const [index, item] of items.entries()) {
    const question = asked.items[answered];
    if (question !== undefined && answers(item, question)) answered++;
    else if (!isRepetition(item, asked, answered)) {
      if (question === undefined) throw new RuleViolationError('more answers than questions');
      if (item.Operation !== question.operation)
        throw new RuleViolationError(`item ${index} answers another operation`);
      throw new RuleViolationError(`item ${index} has another Unique Batch Item ID`);
    }
  }
  const option = asked.header.BatchErrorContinuationOption;
  const last = items.at(-1);
  if (
    option !== 'Continue' &&
    !isRefusal(items) &&
    items.slice(0, -1).some((item) => item.ResultStatus === 'OperationFailed')
  )
    throw new RuleViolationError('went on after a failure');
  const ended = option !== 'Continue' && last?.ResultStatus === 'OperationFailed';
  if (answered < Math.min(asked.items.length, defaultLimits.batchItems) && !ended)
    throw new RuleViolationError(`${asked.items.length} asked, ${answered} answered`);
}

/** Whether all items have the same failure. */
function isRefusal(items: readonly AnsweredItem[]): boolean {
  return items.every(
    ({ ResultStatus: status, ResultReason: reason, ResultMessage: message }) =>
      status === 'OperationFailed' &&
      reason === items[0]?.ResultReason &&
      message === items[0]?.ResultMessage,
  );
}

function answers(item: AnsweredItem, question: RequestItem): boolean {
  return item.Operation === question.operation && same(item.UniqueBatchItemID, question.uniqueBatchItemID);
}

/** In 2.x one item that refers to several objects is answered once for each. */
function isRepetition(item: AnsweredItem, { version, items }: RequestMessage, answered: number): boolean {
  const before = items[answered - 1];
  return eraOf(version) === '2.x' && before !== undefined && answers(item, before);
}

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
}

function checkPending(item: AnsweredItem): string {
  if (item.AsynchronousCorrelationValue === undefined)
    throw new RuleViolationError('nothing to ask for what is pending by');
  if (item.ResponsePayload !== undefined) throw new RuleViolationError('a payload of what is pending');
  return 'OperationPending';
}

function checkFailure(item: AnsweredItem, version: Version): string {
  const { ResultReason: reason, ResultMessage: message, ResponsePayload: payload } = item;
  if (reason === undefined || message === undefined)
    throw new RuleViolationError('a failure without reason and message');
  if (!ResultReason.isKnownIn(reason, version))
    throw new RuleViolationError(`reason ${reason} is not of ${version}`);
  // Check answers with a payload in some cases of failure; nothing else does.
  if (payload !== undefined && item.Operation !== 'Check')
    throw new RuleViolationError('a failure with a payload');
  if (internal.test(message)) throw new RuleViolationError(`the message reveals internals: ${message}`);
  if (/reference [0-9a-f]{8}-/.test(message))
    throw new RuleViolationError(`a bug or a transient failure: ${message}`);
  if (message.length > 500) throw new RuleViolationError(`a message of ${message.length} characters`);
  return String(reason);
}

/**
 * Reads the payload as this version knows it and writes it again: whatever is lost or moved did not belong
 * there.
 */
function checkPayload(operation: string, payload: BinaryReader, version: Version): void {
  const definition = operations.get(operation);
  if (definition === undefined) throw new RuleViolationError(`${operation} succeeded, but is not offered`);
  const original = payload.bytes.subarray(payload.offset, payload.end);
  const response = plan(definition.response, version);
  const writer = new BinaryWriter();
  response.write(writer, tagNumber('ResponsePayload'), response.read(payload) as never);
  if (Buffer.compare(writer.finish(), original) !== 0)
    throw new RuleViolationError(`the payload of ${operation} is not one of ${version}`);
}

import { setImmediate } from 'node:timers/promises';
import type { RequestItem, RequestMessage, ResponseItem } from '../../codec/envelope.ts';
import type { Version } from '../../codec/version.ts';
import { KmipError, reasonFor } from '../errors.ts';
import type { Context } from '../operations/operation.ts';
import { type Execution, execute } from './execute.ts';
import { asRefusal } from './failure.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** Runs the items of one message. Knows no operation. */
export interface BatchEnvironment extends Execution {
  readonly unit: UnitOfWork;
  /** Room for the whole response, in TTLV bytes. */
  readonly responseBytes: number;
  /** The item context over a layer. */
  context(work: Context['work'], item: RequestItem): Context;
  /** Turns weather and bugs into an error for the client, which carries a reference for the log. */
  unexpected(error: unknown): KmipError;
}

/** What one item came to, before it is written. */
interface Outcome {
  readonly item: RequestItem;
  /** One, or one for each repetition of the item. */
  readonly payloads?: readonly Uint8Array[];
  readonly failure?: KmipError;
}

/** How long one batch may go on before others have their turn. */
const turnMilliseconds = 20;

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
  const option = request.header.BatchErrorContinuationOption ?? 'Stop';
  const outcomes: Outcome[] = [];
  let room = environment.responseBytes - headBytes - correlationBytes(request);
  let turn = performance.now();
  for (const item of request.items) {
    // Reads of SQLite end at once: without a pause, a batch of a thousand would hold up every other connection.
    if (performance.now() - turn > turnMilliseconds) {
      await setImmediate();
      turn = performance.now();
    }
    const outcome = await runItem(item, request, environment, room);
    outcomes.push(outcome);
    room -= bytesOf(item, outcome.payloads?.map(({ length }) => length) ?? [failureBytes]);
    if (outcome.failure === undefined || option === 'Continue') continue;
    if (option === 'Undo') environment.unit.undo();
    break;
  }
  const undone = option === 'Undo' && outcomes.some((outcome) => outcome.failure !== undefined);
  return outcomes.flatMap((outcome) => answers(outcome, request.version, undone));
}

/** Room that the answers to an item take whose payloads have these lengths. */
function bytesOf({ uniqueBatchItemID: id }: RequestItem, lengths: readonly number[]): number {
  const around = itemBytes + (id === undefined ? 0 : 16 + id.length);
  return lengths.reduce((sum, length) => sum + around + length, 0);
}

function correlationBytes({ header }: RequestMessage): number {
  return header.ClientCorrelationValue === undefined ? 0 : 16 + header.ClientCorrelationValue.length * 3;
}

async function runItem(
  item: RequestItem,
  request: RequestMessage,
  environment: BatchEnvironment,
  room: number,
): Promise<Outcome> {
  const layer = environment.unit.layer();
  try {
    refuseUnmet(request);
    const payloads = await execute(item, environment.context(layer, item), environment);
    if (
      bytesOf(
        item,
        payloads.map(({ length }) => length),
      ) > room
    )
      throw new KmipError('ResponseTooLarge', 'the answer is larger than Maximum Response Size');
    layer.keep();
    return { item, payloads };
  } catch (error) {
    return { item, failure: asRefusal(error) ?? environment.unexpected(error) };
  }
}

/** Demands of the client that this server cannot meet, and must not overlook. */
function refuseUnmet({ header }: RequestMessage): void {
  if (header.AsynchronousIndicator === 'Mandatory') {
    throw new KmipError(
      'FeatureNotSupported',
      'answers come at once: asynchronous processing cannot be demanded',
    );
  }
}

function answers(
  { item, payloads = [], failure }: Outcome,
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
  return payloads.map((payload) => ({
    ...head,
    status: undone ? 'OperationUndone' : 'Success',
    payload: (writer) => writer.raw(payload),
  }));
}

import type { RequestItem, RequestMessage, ResponseItem } from '../../../codec/envelope.ts';
import type { Version } from '../../../codec/version.ts';
import { KmipError, reasonFor } from '../../common/errors.ts';
import { EventLoopYield } from '../../common/event-loop-yield.ts';
import { currentRequester } from '../../common/requester.ts';
import type { Principal } from '../../identity/principal.ts';
import type { Context, EarlierAnswer } from '../../operations/context.ts';
import type { AnyOperation } from '../../operations/operation.ts';
import type { ItemTrace } from '../audit/item-trace.ts';
import type { ItemObjects } from '../unit-of-work/unit-objects.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import { type Execution, execute, recordResults } from './execute.ts';
import { asRefusal } from './failure.ts';
import type { ItemWork } from './granted-items.ts';
import type { GrantedItem, ItemContext } from './item-context.ts';
import { answerBytes, availableBytes, failureBytes, responseTooLarge } from './response-size.ts';
import { staysWhenUndone } from './undone-answers.ts';

/** Everything that one attempt to execute a batch works with. */
export interface BatchEnvironment extends Execution {
  readonly unit: UnitOfWork;
  readonly principal: Principal;
  /** Bound of the whole response, in TTLV bytes. */
  readonly responseBytes: number;
  /** Builds the handler context of one batch item on its work layer. */
  createContext(item: RequestItem, work: Context['work']): ItemContext;
  /**
   * Logs a transient failure or a bug, and returns an error for the client that carries the log's reference.
   */
  unexpected(error: unknown): KmipError;
  /** Logs that the role lacks a permission, or the group a place, where the refusal says so. */
  observeRefusal(refusal: KmipError): void;
  /**
   * Opens the use of an object of another group; undefined when no grant permits the client the operation
   * with it. Absent where grants count for nothing.
   */
  openGranted?(id: string, operation: AnyOperation, work: ItemWork): Promise<GrantedItem | undefined>;
  /** Whether the batch is executed again after that error, which is rethrown instead of answered. */
  isRetryable?(error: unknown): boolean;
  /** Whether the client has cancelled that item of a job. */
  isCancelled?(item: RequestItem): boolean;
  /** Is told the objects of an item that has succeeded. */
  succeeded?(item: RequestItem, objects: ItemObjects): void;
  /** Is told what each item that was run had to do with objects. */
  traced?(item: RequestItem, trace: ItemTrace): void;
}

/** The result of one item, before it is encoded. */
interface Outcome {
  readonly item: RequestItem;
  /** One payload, or one for each repetition of the item. */
  readonly payloads?: readonly Uint8Array[];
  /** Answers that take the place of the item's own. */
  readonly earlier?: readonly EarlierAnswer[] | undefined;
  readonly failure?: KmipError;
}

const abandoned = new KmipError('OperationCanceledByRequester', 'nobody waits for the answer any more');

const noPayload = new Uint8Array(0);

/**
 * Executes the items in order and returns a list of answers for each item that was run (KMIP 1.4 §7.2, 2.1
 * §8). After a failure, Stop neither runs nor answers later items, Continue runs them, and Undo takes back
 * the earlier ones and answers them as undone, without their output. When the client has left before a later
 * item, that item fails and all are taken back, whatever the option. Rejects only with errors that
 * `isRetryable`.
 */
export async function runItems(
  request: RequestMessage,
  environment: BatchEnvironment,
): Promise<ResponseItem[][]> {
  const requester = currentRequester();
  let option = request.header.BatchErrorContinuationOption ?? 'Stop';
  const outcomes: Outcome[] = [];
  let available = availableBytes(request, environment.responseBytes);
  const eventLoop = new EventLoopYield();
  for (const item of request.items) {
    if (eventLoop.isDue) await eventLoop.yield();
    const isAbandoned = outcomes.length > 0 && !requester.isWaiting();
    const outcome = isAbandoned ? { item, failure: abandoned } : await runItem(item, environment, available);
    outcomes.push(outcome);
    available -= bytesOf(outcome);
    if (outcome.failure === undefined) continue;
    if (!requester.isWaiting()) option = 'Undo';
    if (option === 'Continue') continue;
    if (option === 'Undo') environment.unit.undo();
    break;
  }
  const undone = option === 'Undo' && outcomes.some((outcome) => outcome.failure !== undefined);
  return outcomes.map((outcome) => answersOf(outcome, request.version, undone));
}

/** TTLV bytes that the answers to an item take. */
function bytesOf({ item, payloads }: Pick<Outcome, 'item' | 'payloads'>): number {
  if (payloads === undefined) return answerBytes(item, failureBytes);
  return answerBytes(item, sumOf(payloads), payloads.length);
}

function sumOf(payloads: readonly Uint8Array[]): number {
  return payloads.reduce((sum, { length }) => sum + length, 0);
}

async function runItem(
  item: RequestItem,
  environment: BatchEnvironment,
  available: number,
): Promise<Outcome> {
  const layer = environment.unit.layer(environment.operations.get(item.operation)?.values);
  const { identifiers } = environment;
  const { placeholder } = identifiers;
  let hasAnswered = false;
  let request: ItemTrace['request'];
  const requested = (read: ItemTrace['request']): void => {
    request = read;
  };
  const answered = (): void => {
    hasAnswered = true;
    layer.confirmLasting();
  };
  let grant: string | undefined;
  const findGranted = async (id: string, operation: AnyOperation, context: ItemContext) => {
    const granted = await environment.openGranted?.(id, operation, { own: context.work, layer });
    grant = granted?.rule ?? grant;
    return granted;
  };
  try {
    if (environment.isCancelled?.(item) === true)
      throw new KmipError('OperationCanceledByRequester', 'the request was cancelled');
    const context = environment.createContext(item, layer);
    const requirePlace = () => layer.requirePlace();
    const execution = { available, answered, requested, findGranted, requirePlace };
    const result = await execute(item, context, environment, execution);
    const earlier = context.earlierAnswers;
    const payloads = earlier?.map(({ payload }) => payload ?? noPayload) ?? result.payloads;
    if (earlier !== undefined) environment.encodedAnswers.count(sumOf(payloads));
    if (bytesOf({ item, payloads }) > available) throw responseTooLarge();
    environment.traced?.(item, { request, grant, ...layer.trace });
    layer.keep();
    environment.succeeded?.(item, layer.objectIds);
    recordResults(result, context.version, environment);
    return { item, payloads, earlier };
  } catch (error) {
    const { trace } = layer;
    layer.drop();
    if (hasAnswered) identifiers.placeholder = placeholder;
    if (environment.isRetryable?.(error) === true) throw error;
    const failure = asRefusal(error) ?? environment.unexpected(error);
    environment.traced?.(item, { request, grant, ...trace, failure });
    environment.observeRefusal(failure);
    return { item, failure };
  }
}

function answersOf(
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
      payload: undone ? undefined : payload && ((writer) => writer.raw(payload)),
    }));
  }
  return payloads.map((payload) => ({
    ...head,
    status: undone ? 'OperationUndone' : 'Success',
    payload:
      undone && !staysWhenUndone(item.operation, payload) ? undefined : (writer) => writer.raw(payload),
  }));
}

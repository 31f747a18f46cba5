import { setTimeout as sleep } from 'node:timers/promises';
import { CancellationResult, Operation, ProcessingStage } from '../../codec/enums.ts';
import { bytes, maybe, struct } from '../../codec/schema.ts';
import type { Version } from '../../codec/version.ts';
import type { Node } from '../../codec/wire/node.ts';
import type { OperationName } from '../../src/operations/context.ts';
import { type AnyOperation, conversation, operation } from '../../src/operations/operation.ts';
import { bytes as byteString, children, enumerated, type RequestItem, valueOf } from '../client.ts';
import { type Answer, answersOf, type TestService } from './service.ts';

/** Messages that are answered as pending, for the tests of asynchronous work. */

export const mandatory: readonly Node[] = [enumerated('AsynchronousIndicator', 1)];

/** An operation that waits until `open` is called; `slow`: the operation says that it may take long. */
export function gatedOperation(name: OperationName, slow = false) {
  let gate = Promise.withResolvers<void>();
  let runs = 0;
  return {
    operation: operation({
      name,
      since: '1.0',
      request: struct({ Data: maybe(bytes) }),
      response: struct({ Data: maybe(bytes) }),
      target: conversation(),
      limitedRight: 'public',
      ...(slow && { slow: () => true }),
      async handle() {
        runs += 1;
        await gate.promise;
        return {};
      },
    }) as AnyOperation,
    open: () => gate.resolve(),
    close: () => {
      gate = Promise.withResolvers<void>();
    },
    get runs() {
      return runs;
    },
  };
}

/** Sends a message with a header that demands a job; returns its answers and their correlation values. */
export async function submit(
  service: TestService,
  version: Version,
  items: readonly RequestItem[],
  header: readonly Node[] = mandatory,
): Promise<{ answers: Answer[]; values: Uint8Array[] }> {
  const message = await service.exchange(version, items, header);
  const values = children(message, 'BatchItem').flatMap((each) => {
    const value = valueOf(each, 'AsynchronousCorrelationValue');
    return value === undefined ? [] : [value as Uint8Array];
  });
  return { answers: answersOf(message), values };
}

export async function poll(
  service: TestService,
  version: Version,
  value: Uint8Array | undefined,
): Promise<Answer & { correlation: Uint8Array | undefined }> {
  const payload = [correlationField(value)];
  const message = await service.exchange(version, [{ operation: 'Poll', payload }]);
  const [answer] = answersOf(message);
  const correlation = valueOf(message, 'BatchItem', 'AsynchronousCorrelationValue') as Uint8Array | undefined;
  return { ...(answer as Answer), correlation };
}

export async function cancel(
  service: TestService,
  version: Version,
  value: Uint8Array | undefined,
): Promise<string> {
  const payload = [correlationField(value)];
  const answer = await service.call(version, 'Cancel', payload);
  if (answer.payload === undefined) return String(answer.reason);
  return String(CancellationResult.fromNumber(valueOf(answer.payload, 'CancellationResult') as number));
}

export async function process(service: TestService, value: Uint8Array | undefined): Promise<string> {
  const payload = [correlationField(value)];
  const { reason, status } = await service.call('2.1', 'Process', payload);
  return reason ?? status;
}

/** Returns operation, stage, date and value of each job that Query Asynchronous Requests lists. */
export async function listJobs(service: TestService, filters: readonly Node[] = []): Promise<string[]> {
  const { payload } = await service.call('2.1', 'QueryAsynchronousRequests', filters);
  return children(payload, 'AsynchronousRequest').map((each) => {
    const operation = Operation.fromNumber(valueOf(each, 'Operation') as number);
    const stage = ProcessingStage.fromNumber(valueOf(each, 'ProcessingStage') as number);
    const value = valueOf(each, 'AsynchronousCorrelationValue') as Uint8Array;
    return `${operation} ${stage} ${valueOf(each, 'SubmissionDate')} ${value.toHex()}`;
  });
}

/** Resolves when no job is pending. */
export async function waitForJobs(service: TestService): Promise<void> {
  for (let waited = 0; service.pendingJobs > 0; waited += 5) {
    if (waited > 60_000) throw new Error(`${service.pendingJobs} jobs are still pending`);
    await sleep(5);
  }
}

/** The one field of Poll, Cancel and Process. */
export function correlationField(value: Uint8Array | undefined): Node {
  return byteString('AsynchronousCorrelationValue', value as Uint8Array);
}

/** Gives each item a Unique Batch Item ID. */
export function withItemIds(items: readonly RequestItem[]): RequestItem[] {
  return items.map((each, at) => ({ ...each, uniqueBatchItemID: Uint8Array.of(at) }));
}

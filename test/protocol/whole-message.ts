import type { Test } from 'tap';
import type { Version } from '../../codec/version.ts';
import type { Node } from '../../codec/wire/node.ts';
import { decode, find, type RequestItem, requestMessage, text, valueOf } from '../client.ts';
import { withItemIds } from './jobs.ts';
import { answersOf, createAesPayload1x, createAesPayload2x, type TestService } from './service.ts';

/** A batch of two items that writes and reads, with Unique Batch Item IDs and a Client Correlation Value. */
export function writingBatch(version: Version, header: readonly Node[] = []): Node & { type: 'Structure' } {
  const items: RequestItem[] = [
    { operation: 'Create', payload: version < '2.0' ? createAesPayload1x() : createAesPayload2x() },
    { operation: 'Locate', payload: [] },
  ];
  const correlation = version < '1.4' ? [] : [text('ClientCorrelationValue', 'c1')];
  const message = requestMessage(version, withItemIds(items), [...correlation, ...header]);
  return message as Node & { type: 'Structure' };
}

/**
 * Checks that every item of the batch is answered as failed in the form that clients need; returns the
 * reasons.
 */
export async function checkFailure(
  t: Test,
  service: TestService,
  version: Version,
  request: Uint8Array,
): Promise<string[]> {
  const answer = decode(await service.send(request));
  const header = find(answer, 'ResponseHeader') as Node;
  const answers = answersOf(answer);
  t.same(
    answers.map(({ operation, batchItemID, status }) => [operation, batchItemID, status]),
    [
      ['Create', '00', 'OperationFailed'],
      ['Locate', '01', 'OperationFailed'],
    ],
    version,
  );
  t.ok(
    answers.every(({ message, payload }) => message !== undefined && payload === undefined),
    'a message for people and no payload',
  );
  t.equal(valueOf(header, 'BatchCount'), 2);
  t.equal(valueOf(header, 'TimeStamp'), service.now / 1000);
  t.equal(valueOf(header, 'ClientCorrelationValue'), version < '1.4' ? undefined : 'c1');
  return answers.map(({ reason }) => String(reason));
}

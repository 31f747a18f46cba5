import * as enums from '../../codec/enums.ts';
import type { TagName } from '../../codec/tags.ts';
import { type Version, versionOf } from '../../codec/version.ts';
import type { Node } from '../../codec/wire/node.ts';
import { children, find, valueOf } from '../client.ts';
import { type Difference, describe, nameOf, stepOf } from './describe.ts';
import { checkVocabulary, type Violation } from './vocabulary.ts';

/**
 * Rules for every response, whatever the case expects: violations that break clients in the field.
 */

const headerOrder: readonly TagName[] = [
  'ProtocolVersion',
  'TimeStamp',
  'Nonce',
  'ServerHashedPassword',
  'AttestationType',
  'ClientCorrelationValue',
  'ServerCorrelationValue',
  'BatchCount',
];
const itemOrder: readonly TagName[] = [
  'Operation',
  'UniqueBatchItemID',
  'ResultStatus',
  'ResultReason',
  'ResultMessage',
  'AsynchronousCorrelationValue',
  'ResponsePayload',
  'MessageExtension',
];

const repeatable: ReadonlySet<TagName | undefined> = new Set([
  'BatchItem',
  'AttestationType',
  'MessageExtension',
] as const);

/** Version in the header of a message. */
export function versionIn(message: Node): Version | undefined {
  const protocol = find(
    message,
    ...([
      nameOf(message) === 'RequestMessage' ? 'RequestHeader' : 'ResponseHeader',
      'ProtocolVersion',
    ] as const),
  );
  if (protocol === undefined) return undefined;
  return versionOf(
    Number(valueOf(protocol, 'ProtocolVersionMajor')),
    Number(valueOf(protocol, 'ProtocolVersionMinor')),
  );
}

/** Violations of the general rules in the response to `request`. */
export function checkRules(request: Node, answer: Node): Difference[] {
  const differences: Difference[] = [];
  const breach = (path: string, expected: string, actual: string) =>
    differences.push({ path, expected, actual });
  if (nameOf(answer) !== 'ResponseMessage')
    return [{ path: '', expected: 'ResponseMessage', actual: describe(answer) }];
  const header = find(answer, 'ResponseHeader');
  if (header === undefined) return [{ path: 'ResponseHeader', expected: 'a header', actual: 'nothing' }];
  checkOrder(answer, ['ResponseHeader', 'BatchItem'], '', breach);
  checkOrder(header, headerOrder, 'ResponseHeader', breach);
  if (find(header, 'TimeStamp')?.type !== 'DateTime')
    breach('ResponseHeader/TimeStamp', 'a time stamp', 'nothing');
  const correlation = find(header, 'ServerCorrelationValue');
  if (correlation !== undefined)
    breach('ResponseHeader/ServerCorrelationValue', 'nothing', describe(correlation));
  const items = children(answer, 'BatchItem');
  const count = valueOf(header, 'BatchCount');
  if (count !== items.length)
    breach('ResponseHeader/BatchCount', `${items.length}, the number of items`, String(count));
  items.forEach((item, index) => checkItem(item, `BatchItem[${index + 1}]`, breach));
  const version = versionIn(request);
  if (version !== undefined) checkVocabulary(answer, version, '', [], breach);
  return differences;
}

function checkOrder(structure: Node, order: readonly TagName[], path: string, breach: Violation): void {
  if (structure.type !== 'Structure') return breach(path, 'a structure', structure.type);
  let last = -1;
  for (const child of structure.value) {
    const place = order.indexOf(nameOf(child) as TagName);
    if (place < 0)
      breach(`${path}/${stepOf(child)}`, 'nothing: the field does not belong here', describe(child));
    else if (place < last)
      breach(`${path}/${stepOf(child)}`, `a place before ${order[last]}`, `after ${order[last]}`);
    else if (place === last && !repeatable.has(order[place]))
      breach(`${path}/${stepOf(child)}`, 'the field once', describe(child));
    last = Math.max(last, place);
  }
}

function checkItem(item: Node, path: string, breach: Violation): void {
  checkOrder(item, itemOrder, path, breach);
  const status = find(item, 'ResultStatus');
  if (status === undefined) return breach(`${path}/ResultStatus`, 'a status', 'nothing');
  const reason = find(item, 'ResultReason');
  const message = valueOf(item, 'ResultMessage');
  const payload = find(item, 'ResponsePayload');
  if (enums.ResultStatus.fromNumber(status.value as number) !== 'OperationFailed') {
    if (reason !== undefined)
      breach(`${path}/ResultReason`, 'nothing: the item did not fail', describe(reason));
    return;
  }
  if (reason === undefined) breach(`${path}/ResultReason`, 'the reason of the failure', 'nothing');
  if (typeof message !== 'string' || message === '') breach(`${path}/ResultMessage`, 'a text', 'nothing');
  if (payload !== undefined) breach(`${path}/ResponsePayload`, 'nothing: the item failed', describe(payload));
}

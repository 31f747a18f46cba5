import { attributeKnown, attributeNamed1x, isAttributeName } from '../../codec/attribute-table.ts';
import type { Enumeration } from '../../codec/enumeration.ts';
import * as enums from '../../codec/enums.ts';
import { type TagName, tagKnown, tagName } from '../../codec/tags.ts';
import { type Version, versionOf } from '../../codec/version.ts';
import { subjectOf } from '../../codec/wire/dictionary.ts';
import type { Node } from '../../codec/wire/node.ts';
import { children, find, valueOf } from '../client.ts';
import { type Difference, describe, nameOf, stepOf } from './describe.ts';

/**
 * What every answer must obey, whatever the case expects: the rules that clients in the field break on.
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

/** Version that a message says it is in. */
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

/** Breaches of the general rules in one answer. `request` is what was asked. */
export function checkRules(request: Node, answer: Node): Difference[] {
  const differences: Difference[] = [];
  const breach = (path: string, expected: string, actual: string) =>
    differences.push({ path, expected, actual });
  if (nameOf(answer) !== 'ResponseMessage')
    return [{ path: '', expected: 'ResponseMessage', actual: describe(answer) }];
  const header = find(answer, 'ResponseHeader');
  if (header === undefined) return [{ path: 'ResponseHeader', expected: 'a header', actual: 'nothing' }];
  const first = answer.type === 'Structure' ? answer.value[0] : undefined;
  if (first !== header) breach('ResponseHeader', 'the first item of the message', 'elsewhere');
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
  if (version !== undefined) checkVersion(answer, version, '', [], breach);
  return differences;
}

type Breach = (path: string, expected: string, actual: string) => void;

function checkOrder(structure: Node, order: readonly TagName[], path: string, breach: Breach): void {
  if (structure.type !== 'Structure') return breach(path, 'a structure', structure.type);
  let last = -1;
  for (const child of structure.value) {
    const place = order.indexOf(nameOf(child) as TagName);
    if (place < 0)
      breach(`${path}/${stepOf(child)}`, 'nothing: the field does not belong here', describe(child));
    else if (place < last)
      breach(`${path}/${stepOf(child)}`, `a place before ${order[last]}`, `after ${order[last]}`);
    last = Math.max(last, place);
  }
}

function checkItem(item: Node, path: string, breach: Breach): void {
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

const enumerations = enums as Readonly<Record<string, Enumeration>>;
const byTag: Readonly<Record<string, Enumeration>> = {
  ...enumerations,
  MaskGeneratorHashingAlgorithm: enums.HashingAlgorithm,
};

/** Finds tags, members of enumerations and attribute names that the client's version does not know. */
function checkVersion(
  node: Node,
  version: Version,
  path: string,
  before: readonly Node[],
  breach: Breach,
): void {
  const here = path === '' ? '' : `${path}/`;
  const name = tagName(node.tag);
  if (name !== undefined && !tagKnown(name, version))
    breach(path, `nothing: not a tag of ${version}`, describe(node, before));
  if (node.type === 'Enumeration') checkMember(node, subjectOf(node.tag, before), version, path, breach);
  if (node.type === 'TextString' && name === 'AttributeName') {
    const attribute = attributeNamed1x(node.value);
    if (attribute !== undefined && !attributeKnown(attribute, version)) {
      breach(path, `nothing: not an attribute of ${version}`, node.value);
    }
  }
  if (node.type !== 'Structure') return;
  let item = 0;
  node.value.forEach((child, index) => {
    const step = nameOf(child) === 'BatchItem' ? `BatchItem[${++item}]` : stepOf(child);
    checkVersion(child, version, `${here}${step}`, node.value.slice(0, index), breach);
  });
}

function checkMember(
  node: Node,
  subject: TagName | undefined,
  version: Version,
  path: string,
  breach: Breach,
): void {
  const value = node.value as number;
  if (subject === 'AttributeReference') {
    const name = tagName(value);
    if (name !== undefined && isAttributeName(name) && !attributeKnown(name, version)) {
      breach(path, `nothing: not an attribute of ${version}`, name);
    }
    return;
  }
  const members = byTag[subject ?? ''];
  if (members === undefined) return;
  const member = members.fromNumber(value);
  if (!members.introducedBy(member, version))
    breach(path, `nothing: not in ${members.name} of ${version}`, String(member));
}

import type { TagName } from '../../codec/tags.ts';
import { tagNumber } from '../../codec/tags.ts';
import { tagLabel } from '../../codec/wire/binary-reader.ts';
import type { Node } from '../../codec/wire/node.ts';
import { children } from '../client.ts';
import { type Comparison, mayBeAbsent, sameValue } from './comparison.ts';
import { attributeKeyOf, canonicalAttribute, describe, nameOf } from './describe.ts';

/**
 * How the answer of one operation is compared where "field by field, in order" is not the rule: lists that a
 * server may extend, sets without an order.
 */

export interface Payloads {
  readonly request: Node;
  readonly expected: readonly Node[];
  readonly actual: readonly Node[];
  readonly path: string;
  /** The case expects matches in a fixed order. */
  readonly ordered: boolean;
  readonly parents: readonly Node[];
}

type Compare = (comparison: Comparison, payloads: Payloads) => void;

const special: Readonly<Record<string, Compare>> = {
  Locate: compareLocate,
  Query: compareQuery,
  DiscoverVersions: compareVersions,
  GetAttributeList: compareAttributeList,
  GetAttributes: compareAttributes,
  PKCS_11: compareCall,
};

/** Fields of a successful answer's payload. */
export function comparePayload(comparison: Comparison, payloads: Payloads): void {
  const compare = special[comparison.scope.operation] ?? plain;
  compare(comparison, payloads);
}

const plain: Compare = (comparison, { expected, actual, path, parents }) =>
  comparison.fields(expected, actual, path, parents);

function split(list: readonly Node[], ...names: readonly TagName[]): [Node[], Node[]] {
  const inside = (node: Node) => names.some((name) => tagNumber(name) === node.tag);
  return [list.filter(inside), list.filter((node) => !inside(node))];
}

/** The matches as a set, or in order where the case has one; nothing more and nothing less. */
function compareLocate(
  comparison: Comparison,
  { request, expected, actual, path, ordered, parents }: Payloads,
): void {
  const [wanted, fields] = split(expected, 'UniqueIdentifier');
  const [found, others] = split(actual, 'UniqueIdentifier');
  const [located, rest] = split(others, 'LocatedItems');
  const paged = children(request, 'MaximumItems').length + children(request, 'OffsetItems').length > 0;
  const expectsCount = fields.some((node) => nameOf(node) === 'LocatedItems');
  if (expectsCount) comparison.fields(fields, others, path, parents);
  else {
    comparison.fields(fields, rest, path, parents);
    for (const count of located) {
      if (!paged && count.value !== found.length)
        comparison.report(`${path}/LocatedItems`, String(found.length), describe(count));
    }
  }
  if (located.length > 1 || (located[0] !== undefined && actual[0] !== located[0])) {
    comparison.report(`${path}/LocatedItems`, 'the first field, once', 'a later one or several');
  }
  if (wanted.length !== found.length) {
    comparison.report(`${path}/UniqueIdentifier`, `${wanted.length} matches`, `${found.length} matches`);
    return;
  }
  const left = [...found];
  for (const item of ordered ? wanted : boundFirst(comparison, wanted)) {
    const same = ordered
      ? -1
      : left.findIndex((node) => comparison.attempt((trial) => trial.leaf(item, node, path)).length === 0);
    const [match] = left.splice(Math.max(same, 0), 1);
    comparison.leaf(item, match as Node, `${path}/UniqueIdentifier`);
  }
}

/** Known identifiers before those that may be any: otherwise an unbound token could take another's place. */
function boundFirst(comparison: Comparison, wanted: readonly Node[]): Node[] {
  const bound = (node: Node) => comparison.bindings.has(comparison.scope.tokens.get(node) ?? '');
  return [...wanted.filter(bound), ...wanted.filter((node) => !bound(node))];
}

/** CK_INFO without the product name and version. */
const infoBytes = {
  length: 76,
  common: [
    [0, 2],
    [34, 42],
  ],
} as const;

/** C_GetInfo names the product; everything else is as the case has it. */
function compareCall(comparison: Comparison, payloads: Payloads): void {
  const output = (list: readonly Node[]) => list.find((node) => nameOf(node) === 'PKCS_11OutputParameters');
  const name = output(payloads.expected)?.value;
  const own = output(payloads.actual);
  const isInfo = (value: unknown): value is Uint8Array =>
    value instanceof Uint8Array && value.length === infoBytes.length;
  if (!isInfo(name) || !isInfo(own?.value)) return plain(comparison, payloads);
  const merged = own.value.slice();
  for (const [from, to] of infoBytes.common) merged.set(name.subarray(from, to), from);
  const expected = payloads.expected.map((node) =>
    nameOf(node) === 'PKCS_11OutputParameters' ? ({ ...node, value: merged } as Node) : node,
  );
  plain(comparison, { ...payloads, expected });
}

/** Capabilities are compared as lists; descriptions of the server must only be present. */
function compareQuery(comparison: Comparison, { expected, actual, path }: Payloads): void {
  const kinds = [...new Set(expected.map((node) => node.tag))];
  let place = -1;
  for (const tag of kinds) {
    const of = (list: readonly Node[]) => list.filter((node) => node.tag === tag);
    const at = actual.findIndex((node) => node.tag === tag);
    if (at >= 0 && at < place)
      comparison.report(`${path}/${tagLabel(tag)}`, 'a later place', `item ${at + 1}`);
    place = Math.max(place, at);
    if (listed.has(nameOf(of(expected)[0] as Node))) {
      for (const node of of(expected)) {
        if (of(actual).some((other) => sameValue(node, other))) continue;
        comparison.report(
          `${path}/${tagLabel(tag)}(${describe(node)})`,
          'this value in the list',
          `${of(actual).length} others`,
        );
      }
    } else if (at < 0) {
      comparison.report(`${path}/${tagLabel(tag)}`, 'the field', 'nothing');
    }
  }
  for (const [tag, list] of Map.groupBy(actual, (node) => node.tag)) {
    const at = `${path}/${tagLabel(tag)}`;
    const first = actual.indexOf(list[0] as Node);
    if (list.some((node, index) => actual[first + index] !== node))
      comparison.report(at, 'all in one place', 'others between');
    if (list.length > 1 && onlyOnce.has(nameOf(list[0] as Node)))
      comparison.report(at, 'the field once', `${list.length} of it`);
    const twice = list.filter((node, index) => list.findIndex((other) => sameValue(node, other)) < index);
    for (const node of twice) comparison.report(at, 'each value once', `${describe(node)} again`);
  }
  if (expected.length === 0 && actual.length > 0)
    comparison.report(path, 'an empty payload', describe(actual[0]));
}

const onlyOnce: ReadonlySet<TagName | undefined> = new Set([
  'VendorIdentification',
  'ServerInformation',
  'DefaultsInformation',
  'ProtectionStorageMasks',
] as const);

const listed: ReadonlySet<TagName | undefined> = new Set([
  'Operation',
  'ObjectType',
  'ProfileInformation',
] as const);

/** All versions, highest first, when the client named none; else exactly those in common. */
function compareVersions(
  comparison: Comparison,
  { request, expected, actual, path, parents }: Payloads,
): void {
  if (children(request, 'ProtocolVersion').length > 0)
    return comparison.fields(expected, actual, path, parents);
  const again = actual.find((version, index) =>
    actual.slice(0, index).some((other) => sameValue(version, other)),
  );
  if (again !== undefined)
    comparison.report(`${path}/ProtocolVersion`, 'each version once', `${describe(again)} again`);
  for (const version of expected) {
    if (!actual.some((other) => sameValue(version, other)))
      comparison.report(`${path}/ProtocolVersion`, describe(version), 'nothing');
  }
}

/** The names as a set that may be larger. */
function compareAttributeList(comparison: Comparison, { expected, actual, path, parents }: Payloads): void {
  const [wanted, fields] = split(expected, 'AttributeName', 'AttributeReference');
  const [given, others] = split(actual, 'AttributeName', 'AttributeReference');
  comparison.fields(fields, others, path, parents);
  if (others[0] !== actual[0]) comparison.report(path, 'the names behind the identifier', 'a name in front');
  const keys = given.map(referenceKey);
  for (const name of wanted) {
    const key = referenceKey(name);
    if (!keys.includes(key) && !mayBeAbsent(key, comparison.scope, false))
      comparison.report(`${path}/${tagLabel(name.tag)}`, key, 'nothing');
  }
  keys.forEach((key, index) => {
    if (keys.indexOf(key) < index)
      comparison.report(`${path}/${tagLabel(given[index]?.tag ?? 0)}`, 'each name once', `${key} again`);
  });
  if (wanted[0] !== undefined && given.some((name) => name.tag !== wanted[0]?.tag)) {
    comparison.report(path, `names as ${tagLabel(wanted[0].tag)}`, 'names of the other era');
  }
}

/** Canonical name of the attribute that a name or a reference means. */
function referenceKey(node: Node): string {
  if (node.type === 'Structure') return attributeKeyOf(node);
  return node.type === 'Enumeration' ? describe(node) : canonicalAttribute(String(node.value));
}

/** Attributes beside those expected are welcome only when the client asked for all. */
function compareAttributes(
  comparison: Comparison,
  { request, expected, actual, path, parents }: Payloads,
): void {
  const named =
    children(request, 'AttributeName').length + children(request, 'AttributeReference').length > 0;
  const extras = named ? 'refused' : 'allowed';
  const [wantedList, wanted] = split(expected, 'Attributes');
  const [givenList, given] = split(actual, 'Attributes');
  comparison.fields(wanted, given, path, parents, extras);
  const [left, right] = [wantedList[0], givenList[0]];
  if (givenList.length !== wantedList.length) {
    comparison.report(`${path}/Attributes`, `${wantedList.length} of it`, `${givenList.length} of it`);
  } else if (left?.type === 'Structure' && right?.type === 'Structure') {
    comparison.attributes(left.value, right.value, `${path}/Attributes`, [...parents, left], extras);
  }
  if (right !== undefined && actual.at(-1) !== right)
    comparison.report(`${path}/Attributes`, 'the last field', 'an earlier one');
}

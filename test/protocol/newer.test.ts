import t from 'tap';
import {
  type AttributeName,
  attributeFromName1x,
  attributeRow,
  attributeTable,
  isAttributeKnownIn,
  isAttributeName,
} from '../../codec/attribute-table.ts';
import type { Enumeration } from '../../codec/enumeration.ts';
import * as enums from '../../codec/enums.ts';
import * as masks from '../../codec/masks.ts';
import { type TagName, tagName, tagNumber, tags } from '../../codec/tags.ts';
import { eraOf, isWithin, type Version, versions } from '../../codec/version.ts';
import { maskOf, vocabularyTagOf } from '../../codec/wire/dictionary.ts';
import type { Node } from '../../codec/wire/node.ts';
import { operations, operationsIn } from '../../src/operations/index.ts';
import { enumerated, item, type RequestItem, structure, text } from '../client.ts';
import { checkVocabulary } from '../conformance/vocabulary.ts';
import { type FullObject, insertOperation, objectTypes, variants } from './full-objects.ts';
import { TestService } from './service.ts';

/**
 * Whatever is newer than a client's version never stands in an answer to it. Everything the dictionary has is
 * put into objects, and each version asks for them with every operation it has; what is newer is listed from
 * the tables.
 */

/** Words of the dictionary, as one set: `tag X`, `attribute X`, `Enumeration.Member`, `Mask.Bit`. */
type Words = Set<string>;

/** Everything that came after a version. */
function newerThan(version: Version): Words {
  const words: Words = new Set();
  for (const [name, [, , since]] of Object.entries(tags))
    if (!isWithin(version, since)) words.add(`tag ${name}`);
  for (const [name, { since }] of Object.entries(attributeTable))
    if (!isWithin(version, since)) words.add(`attribute ${name}`);
  for (const [name, members] of Object.entries(enums) as [string, Enumeration][])
    for (const member of members.members)
      if (!members.isIntroducedBy(member, version)) words.add(`${name}.${member}`);
  for (const bits of Object.values(masks))
    for (const bit of bits.split(bits.newerThan(version)).names) words.add(`${bits.name}.${bit}`);
  return words;
}

/** Every word that stands in an answer. */
function wordsIn(node: Node, siblings: readonly Node[] = [], at = 0, words: Words = new Set()): Words {
  const name = tagName(node.tag);
  const subject = vocabularyTagOf(node.tag, siblings, at);
  if (name !== undefined) words.add(`tag ${name}`);
  if (node.type === 'Enumeration') {
    const members = (enums as Record<string, Enumeration>)[subject ?? ''];
    if (members !== undefined) words.add(`${members.name}.${members.fromNumber(node.value)}`);
    if (subject === 'AttributeReference') words.add(`attribute ${tagName(node.value)}`);
  }
  if (node.type === 'Integer') {
    const bits = maskOf(subject);
    for (const bit of bits?.split(node.value).names ?? []) words.add(`${bits?.name}.${bit}`);
  }
  if (name === 'AttributeName' && node.type === 'TextString') {
    const standard = attributeFromName1x(node.value);
    if (standard !== undefined) words.add(`attribute ${standard}`);
  }
  if (name === 'Attributes' && node.type === 'Structure') {
    for (const { tag } of node.value) {
      const inside = tagName(tag);
      if (inside !== undefined && isAttributeName(inside)) words.add(`attribute ${inside}`);
    }
  }
  if (node.type === 'Structure')
    node.value.forEach((child, index) => wordsIn(child, node.value, index, words));
  return words;
}

const uid = (id: string) => text('UniqueIdentifier', id);
const names = Object.keys(attributeTable) as AttributeName[];
/** Nobody sees that an object is archived before it is recovered. */
const visible = names.filter((name) => name !== 'ArchiveDate');

/**
 * Names of all attributes as that version refers to them, those it does not know included where it has a form
 * for them.
 */
function references(version: Version): Node[] {
  if (eraOf(version) === '2.x')
    return names.map((name) => enumerated('AttributeReference', tagNumber(name as TagName)));
  return names.flatMap((name) => {
    const { name1x } = attributeRow(name);
    return name1x === null ? [] : [text('AttributeName', name1x)];
  });
}

/** What is asked about one object beside its identifier. */
function questions(operation: string, version: Version, id: string): Node[][] {
  switch (operation) {
    case 'Query':
      return [
        enums.QueryFunction.members.map((member) =>
          enumerated('QueryFunction', enums.QueryFunction.toNumber(member)),
        ),
      ];
    case 'GetAttributes':
      return [[uid(id)], [uid(id), ...references(version)]];
    case 'Locate':
      return [eraOf(version) === '2.x' ? [structure('Attributes')] : []];
    case 'DeleteAttribute':
      return references(version).map((reference) => [uid(id), reference]);
    case 'Get':
    case 'Export':
      return [
        [uid(id)],
        [uid(id), enumerated('KeyFormatType', 1)],
        [uid(id), enumerated('KeyFormatType', 0x16)],
      ];
    case 'DiscoverVersions':
    case 'Ping':
      return [[]];
    default:
      return [[uid(id)]];
  }
}

/**
 * Asked of every variant; the other operations of a few objects only, and last those that spoil them. Locate
 * finds all objects each time.
 */
const reading = ['Get', 'Export', 'GetAttributes', 'GetAttributeList', 'Check', 'ObtainLease'];
const spoiling = ['DeleteAttribute', 'Revoke', 'Archive', 'Recover', 'Destroy'];

const objects: FullObject[] = [];
function plan(version: Version): FullObject[] {
  const types = objectTypes();
  const all = Array.from({ length: variants }, (_, variant): FullObject => {
    const type = types[variant % types.length] as FullObject['type'];
    return { id: `${version} ${variant}`, type, variant };
  });
  const others = types.map((type, variant): FullObject => ({ id: `${version} ${type}`, type, variant }));
  return [
    ...all,
    ...others,
    { id: `${version} destroyed`, type: 'SymmetricKey', variant: 1, destroyed: true },
  ];
}

function asked(version: Version, { id }: FullObject): RequestItem[] {
  const few = !/\d$/.test(id);
  const offered = operationsIn(version, true).filter(
    (name) => !reading.includes(name) && !spoiling.includes(name),
  );
  const chosen = few ? [...reading, ...offered, ...spoiling] : reading;
  return chosen
    .filter((name) => isWithin(version, operations.get(name)?.since ?? '1.0', operations.get(name)?.until))
    .flatMap((operation) => questions(operation, version, id).map((payload) => ({ operation, payload })));
}

const goOn = item('BatchErrorContinuationOption', 'Enumeration', 1);

t.setTimeout(180_000);

t.test('no answer contains anything newer than the version of its request', async (t) => {
  const service = await TestService.open({
    extra: [insertOperation(() => objects.splice(0))],
    interop: true,
    limits: { responseBytes: 64 * 1024 * 1024 },
  });
  t.teardown(() => service.close());
  const seen = new Map<Version, Words>();
  for (const version of versions) {
    const planned = plan(version);
    objects.push(...planned);
    t.equal((await service.call('2.1', 'Ping')).status, 'Success', `objects for ${version}`);
    const words: Words = new Set();
    const breaches = new Set<string>();
    for (const each of planned) {
      const answer = await service.exchange(version, asked(version, each), [goOn]);
      wordsIn(answer, [], 0, words);
      checkVocabulary(answer, version, '', [], (path, expected, actual) =>
        breaches.add(`${path.replaceAll(/\[\d+\]/g, '')} holds ${actual}, expected ${expected}`),
      );
    }
    const newer = newerThan(version);
    t.same([...breaches], [], `${version}: every answer is in its words`);
    t.same(
      [...words].filter((word) => newer.has(word)),
      [],
      `${version}: none of ${newer.size} newer words`,
    );
    seen.set(version, words);
  }
  t.same(service.unexpected, [], 'no answer was an accident');
  const shown = new Set([...seen.values()].flatMap((words) => [...words]));
  const hidden = visible.filter((name) => !shown.has(`attribute ${name}`));
  t.same(hidden, [], 'every attribute was there to be seen by a version that knows it');
  for (const name of names) {
    const { schema } = attributeRow(name);
    if (schema.kind === 'enumeration' && name !== 'State')
      t.same(
        schema.members.filter((member) => !shown.has(`${schema.name}.${member}`)),
        [],
        `members of ${name}`,
      );
    if (schema.kind === 'mask')
      t.same(
        schema.members.filter((bit) => !shown.has(`${schema.name}.${bit}`)),
        [],
        `bits of ${name}`,
      );
  }
  for (const version of versions) {
    const known = visible.filter((name) => isAttributeKnownIn(name, version));
    const unseen = known.filter((name) => !seen.get(version)?.has(`attribute ${name}`));
    t.same(unseen, [], `${version} sees every attribute of its own`);
  }
});

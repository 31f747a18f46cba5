import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { attributeFromName1x, isAttributeKnownIn, isAttributeName } from '../../codec/attribute-table.ts';
import type { Enumeration } from '../../codec/enumeration.ts';
import * as enums from '../../codec/enums.ts';
import * as eras from '../../codec/eras.ts';
import { type AnySchema, struct } from '../../codec/schema.ts';
import { isTagKnownIn, isTagName, tagName } from '../../codec/tags.ts';
import { eraOf, isWithin, type Version, versions } from '../../codec/version.ts';
import { maskOf, vocabularyTagOf } from '../../codec/wire/dictionary.ts';
import { decodeBinary } from '../../codec/wire/message.ts';
import type { Node } from '../../codec/wire/node.ts';
import { limits } from '../unit/codec/hex.ts';
import { exportedStructures } from '../unit/codec/schemas.ts';
import { binary } from '../unit/codec/spelling.ts';
import { attribute, valueOf } from './arbitrary.ts';

/** Everything in a tree that a client of that version could not understand. */
function tooNew(node: Node, version: Version): string[] {
  if (node.type !== 'Structure') return [];
  return node.value.flatMap((child, at) => {
    const name = tagName(child.tag);
    const found = name !== undefined && !isTagKnownIn(name, version) ? [`tag ${name}`] : [];
    if (name === 'AttributeName' && child.type === 'TextString' && eraOf(version) === '1.x') {
      const standard = attributeFromName1x(child.value);
      if (standard !== undefined && !isAttributeKnownIn(standard, version))
        found.push(`attribute ${child.value}`);
      if (standard === undefined && !/^[xy]-/.test(child.value)) found.push('a name of no table');
    }
    if (name === 'AttributeReference' && child.type === 'Enumeration') {
      const referred = tagName(child.value);
      if (referred === undefined || !isAttributeName(referred) || !isAttributeKnownIn(referred, version))
        found.push('reference');
    }
    if (child.type === 'Enumeration') {
      const members = (enums as Record<string, Enumeration>)[
        vocabularyTagOf(child.tag, node.value, at) ?? ''
      ];
      const member = members?.fromNumber(child.value);
      if (member !== undefined && !members?.isIntroducedBy(member, version)) found.push(`${name} ${member}`);
    }
    if (child.type === 'Integer') {
      const bits = maskOf(vocabularyTagOf(child.tag, node.value, at));
      if (bits !== undefined && (child.value & bits.newerThan(version)) !== 0) found.push(`${name} bits`);
    }
    return [...found, ...tooNew(child, version)];
  });
}

function understandable(schema: AnySchema, version: Version) {
  return (value: unknown): void => {
    assert.deepEqual(tooNew(decodeBinary(binary(schema, version, value), limits), version), []);
  };
}

t.test('the net catches what is too new', (t) => {
  const fresh: Node = { tag: 0x4200ac, type: 'Boolean', value: true };
  const format: Node = { tag: 0x420042, type: 'Enumeration', value: 0x16 };
  const mask: Node = { tag: 0x42002c, type: 'Integer', value: 0x200004 };
  const named: Node = { tag: 0x42000a, type: 'TextString', value: 'Sensitive' };
  const payload: Node = { tag: 0x42007c, type: 'Structure', value: [fresh, format, named, mask] };
  const message: Node = { tag: 0x42007b, type: 'Structure', value: [payload] };
  t.equal(tooNew(message, '1.0').length, 4);
  t.equal(tooNew(message, '1.1').length, 3);
  t.equal(tooNew(message, '1.4').length, 1);
  t.equal(tooNew(message, '2.0').length, 0);
  t.end();
});

/** What clients write and we read. */
const clientsOnly: ReadonlySet<string> = new Set([
  ...['Authentication', 'UsernameAndPassword', 'Device', 'Attestation'],
  ...['OneTimePassword', 'HashedPassword', 'Ticket', 'TicketCredential'],
  'KeyWrappingSpecification',
]);
/** Structures younger than their tag. */
const younger: Readonly<Record<string, Version>> = { CertificateRequest: '2.0' };

/** Whether an answer of that version can hold the structure at all; where it stands decides who leaves it out. */
function answerable(name: string, version: Version): boolean {
  if (clientsOnly.has(name)) return false;
  return isWithin(version, younger[name] ?? '1.0') && (!isTagName(name) || isTagKnownIn(name, version));
}

t.test('no structure writes what its version does not know', async (t) => {
  for (const [name, schema] of await exportedStructures()) {
    for (const version of versions.filter((each) => answerable(name, each))) {
      const property = fc.property(
        valueOf(schema, { version, future: true }),
        understandable(schema, version),
      );
      t.doesNotThrow(() => fc.assert(property, { numRuns: 12 }), `${name} in ${version}`);
    }
  }
});

t.test('no attribute that its version does not know, in any place of an answer', (t) => {
  for (const version of versions) {
    const list = fc.array(attribute({ version, future: true }), { maxLength: 8 });
    for (const field of [eras.attributeList, eras.keyValueAttributes]) {
      const schema = struct({ It: field });
      const property = fc.property(list, (It) => understandable(schema, version)({ It }));
      t.doesNotThrow(() => fc.assert(property, { numRuns: 60 }), version);
    }
    const echo = struct({ It: eras.echoedAttribute });
    const echoed = fc.property(attribute({ version, future: true }), (It) =>
      understandable(echo, version)({ It }),
    );
    t.doesNotThrow(() => fc.assert(echoed, { numRuns: 100 }), version);
    const names = struct({ It: eras.attributeReferences });
    const named = fc.property(list, (attributes) => {
      // A name of nobody is only ever repeated to the client that asked with it.
      const known = attributes.filter((each) => each.vendor !== '');
      const It = known.map(({ name, vendor }) => (vendor === undefined ? { name } : { name, vendor }));
      understandable(names, version)({ It });
    });
    t.doesNotThrow(() => fc.assert(named, { numRuns: 60 }), version);
  }
  t.end();
});

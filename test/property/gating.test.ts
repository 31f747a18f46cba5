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
import { encodeValue } from '../unit/codec/convert.ts';
import { limits } from '../unit/codec/hex.ts';
import { exportedStructures } from '../unit/codec/schemas.ts';
import { attribute, valueOf } from './arbitrary.ts';

/** Finds everything in a tree that the version does not know. */
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

function checkKnown(schema: AnySchema, version: Version) {
  return (value: unknown): void => {
    assert.deepEqual(tooNew(decodeBinary(encodeValue(schema, version, value), limits), version), []);
  };
}

t.test('tooNew finds everything that is newer than the version', (t) => {
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

/** Structures that only clients write. */
const clientsOnly: ReadonlySet<string> = new Set([
  ...['Authentication', 'UsernameAndPassword', 'Device', 'Attestation'],
  ...['OneTimePassword', 'HashedPassword', 'Ticket', 'TicketCredential'],
  'KeyWrappingSpecification',
]);
/** Structures that are newer than their tag. */
const introducedIn: Readonly<Record<string, Version>> = { CertificateRequest: '2.0' };

/** Whether a response in that version can contain the structure. */
function isWritten(name: string, version: Version): boolean {
  if (clientsOnly.has(name)) return false;
  return isWithin(version, introducedIn[name] ?? '1.0') && (!isTagName(name) || isTagKnownIn(name, version));
}

t.test('no structure contains anything that is newer than its version', async (t) => {
  for (const [name, schema] of await exportedStructures()) {
    for (const version of versions.filter((each) => isWritten(name, each))) {
      const property = fc.property(valueOf(schema, { version, future: true }), checkKnown(schema, version));
      t.doesNotThrow(() => fc.assert(property, { numRuns: 12 }), `${name} in ${version}`);
    }
  }
});

t.test('no field of a response contains an attribute that is newer than its version', (t) => {
  for (const version of versions) {
    const list = fc.array(attribute({ version, future: true }), { maxLength: 8 });
    for (const field of [eras.attributeList, eras.keyValueAttributes]) {
      const schema = struct({ It: field });
      const property = fc.property(list, (It) => checkKnown(schema, version)({ It }));
      t.doesNotThrow(() => fc.assert(property, { numRuns: 60 }), version);
    }
    const echo = struct({ It: eras.echoedAttribute });
    const echoed = fc.property(attribute({ version, future: true }), (It) =>
      checkKnown(echo, version)({ It }),
    );
    t.doesNotThrow(() => fc.assert(echoed, { numRuns: 100 }), version);
    const names = struct({ It: eras.attributeReferences });
    const named = fc.property(list, (attributes) => {
      // A response repeats an unknown name only to the client that sent it.
      const known = attributes.filter((each) => each.vendor !== '');
      const It = known.map(({ name, vendor }) => (vendor === undefined ? { name } : { name, vendor }));
      checkKnown(names, version)({ It });
    });
    t.doesNotThrow(() => fc.assert(named, { numRuns: 60 }), version);
  }
  t.end();
});

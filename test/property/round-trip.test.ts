import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import * as eras from '../../codec/eras.ts';
import { type AnySchema, struct } from '../../codec/schema.ts';
import { decodeAttributes, encodeAttributes } from '../../codec/stored-attributes.ts';
import { credential } from '../../codec/structures/credentials.ts';
import {
  decodeManagedObject,
  encodeManagedObject,
  type ManagedObjectValue,
  managedObject,
} from '../../codec/structures/managed-objects.ts';
import { type TagName, tagNumber } from '../../codec/tags.ts';
import { type Version, versions } from '../../codec/version.ts';
import { jsonToNode, nodeToJson } from '../../codec/wire/json.ts';
import { decodeBinary, encodeBinary } from '../../codec/wire/message.ts';
import type { Node } from '../../codec/wire/node.ts';
import { nodeToText } from '../../codec/wire/text.ts';
import { nodeToXml, xmlToNodes } from '../../codec/wire/xml.ts';
import { decodeValue, encodeValue } from '../unit/codec/convert.ts';
import { limits } from '../unit/codec/hex.ts';
import { exportedStructures } from '../unit/codec/schemas.ts';
import { anyMessage, attribute, valueOf } from './arbitrary.ts';

/** Enough runs for every field and most members over all versions; more would take minutes. */
const few = { numRuns: 12 };
const many = { numRuns: 200 };

function checkRoundTrip(schema: AnySchema, version: Version, tag?: TagName) {
  return (value: unknown): void => {
    assert.deepEqual(decodeValue(schema, version, encodeValue(schema, version, value, tag)), value);
  };
}

t.test('every structure is read as it was written in every version', async (t) => {
  const schemas = await exportedStructures();
  t.ok(schemas.size > 40, `${schemas.size} structures`);
  for (const [name, schema] of schemas) {
    for (const version of versions) {
      const property = fc.property(valueOf(schema, { version }), checkRoundTrip(schema, version));
      t.doesNotThrow(() => fc.assert(property, few), `${name} in ${version}`);
    }
  }
});

t.test('managed objects and credentials are read as they were written in every version', (t) => {
  for (const version of versions) {
    for (const schema of [managedObject, credential]) {
      const property = fc.property(valueOf(schema, { version }), checkRoundTrip(schema, version));
      t.doesNotThrow(() => fc.assert(property, few), version);
    }
  }
  t.end();
});

t.test('attributes are read as they were written in every version and field', (t) => {
  for (const version of versions) {
    const list = fc.array(attribute({ version }), { maxLength: 4 });
    for (const field of [eras.attributeList, eras.keyValueAttributes, eras.filterAttributes]) {
      const schema = struct({ It: field });
      const property = fc.property(list, (It) => checkRoundTrip(schema, version)({ It }));
      t.doesNotThrow(() => fc.assert(property, { numRuns: 40 }), version);
    }
    const creation = struct({ It: eras.creationAttributes('CommonTemplateAttribute', 'CommonAttributes') });
    const created = fc.property(list, (attributes) =>
      checkRoundTrip(creation, version)({ It: { templates: [], attributes } }),
    );
    t.doesNotThrow(() => fc.assert(created, few), version);
    const added = fc.property(attribute({ version }), (It) =>
      checkRoundTrip(struct({ It: eras.newAttribute }), version)({ It }),
    );
    t.doesNotThrow(() => fc.assert(added, { numRuns: 40 }), version);
  }
  t.end();
});

t.test('stored attributes are decoded as they were encoded', (t) => {
  const property = fc.property(
    fc.array(attribute({ version: '2.1', future: true }), { maxLength: 4 }),
    (list) => assert.deepEqual(decodeAttributes(encodeAttributes(list)), list),
  );
  t.doesNotThrow(() => fc.assert(property, many));
  t.end();
});

t.test('stored objects are decoded as they were encoded', (t) => {
  for (const version of ['1.4', '2.1'] as const) {
    const property = fc.property(valueOf(managedObject, { version }), (object) =>
      assert.deepEqual(decodeManagedObject(encodeManagedObject(object as ManagedObjectValue)), object),
    );
    t.doesNotThrow(() => fc.assert(property, many), version);
  }
  t.end();
});

/** Binary → XML → JSON → binary. */
function throughText(message: Node): Node {
  const [fromXml] = xmlToNodes(nodeToXml(decodeBinary(encodeBinary(message), limits)), limits);
  assert.ok(fromXml);
  return decodeBinary(encodeBinary(jsonToNode(nodeToJson(fromXml), limits)), limits);
}

t.test('any message is the same tree in binary, XML and JSON', (t) => {
  const property = fc.property(anyMessage, (message) => {
    assert.deepEqual(throughText(message), message);
    assert.ok(nodeToText(message).startsWith('RequestMessage\n'));
  });
  t.doesNotThrow(() => fc.assert(property, many));
  t.end();
});

t.test('every structure survives XML and JSON in every version', async (t) => {
  for (const [name, schema] of await exportedStructures()) {
    for (const version of versions) {
      const property = fc.property(valueOf(schema, { version }), (value) => {
        const payload = decodeBinary(encodeValue(schema, version, value), limits);
        const message: Node = { tag: tagNumber('RequestMessage'), type: 'Structure', value: [payload] };
        assert.deepEqual(throughText(message), message);
      });
      t.doesNotThrow(() => fc.assert(property, { numRuns: 3 }), `${name} in ${version}`);
    }
  }
});

t.test('attributes survive XML and JSON in every version', (t) => {
  for (const version of versions) {
    const schema = struct({ It: eras.attributeList });
    const property = fc.property(fc.array(attribute({ version }), { maxLength: 6 }), (It) => {
      const payload = decodeBinary(encodeValue(schema, version, { It }), limits);
      const message: Node = { tag: tagNumber('ResponseMessage'), type: 'Structure', value: [payload] };
      assert.deepEqual(throughText(message), message);
    });
    t.doesNotThrow(() => fc.assert(property, { numRuns: 40 }), version);
  }
  t.end();
});

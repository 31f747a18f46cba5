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
import { limits } from '../unit/codec/hex.ts';
import { exportedStructures } from '../unit/codec/schemas.ts';
import { binary, parse } from '../unit/codec/spelling.ts';
import { anyMessage, attribute, valueOf } from './arbitrary.ts';

/** Enough to meet every field and most members over the versions; the bound keeps the file within seconds. */
const few = { numRuns: 12 };
const many = { numRuns: 200 };

function comesBack(schema: AnySchema, version: Version, tag?: TagName) {
  return (value: unknown): void => {
    assert.deepEqual(parse(schema, version, binary(schema, version, value, tag)), value);
  };
}

t.test('every structure in every version: what was written is read', async (t) => {
  const schemas = await exportedStructures();
  t.ok(schemas.size > 40, `${schemas.size} structures`);
  for (const [name, schema] of schemas) {
    for (const version of versions) {
      const property = fc.property(valueOf(schema, { version }), comesBack(schema, version));
      t.doesNotThrow(() => fc.assert(property, few), `${name} in ${version}`);
    }
  }
});

t.test('managed objects and credentials in every version', (t) => {
  for (const version of versions) {
    for (const schema of [managedObject, credential]) {
      const property = fc.property(valueOf(schema, { version }), comesBack(schema, version));
      t.doesNotThrow(() => fc.assert(property, few), version);
    }
  }
  t.end();
});

t.test('attributes in every version, in every place', (t) => {
  for (const version of versions) {
    const list = fc.array(attribute({ version }), { maxLength: 4 });
    for (const field of [eras.attributeList, eras.keyValueAttributes, eras.filterAttributes]) {
      const schema = struct({ It: field });
      const property = fc.property(list, (It) => comesBack(schema, version)({ It }));
      t.doesNotThrow(() => fc.assert(property, { numRuns: 40 }), version);
    }
    const creation = struct({ It: eras.creationAttributes('CommonTemplateAttribute', 'CommonAttributes') });
    const created = fc.property(list, (attributes) =>
      comesBack(creation, version)({ It: { templates: [], attributes } }),
    );
    t.doesNotThrow(() => fc.assert(created, few), version);
    const added = fc.property(attribute({ version }), (It) =>
      comesBack(struct({ It: eras.newAttribute }), version)({ It }),
    );
    t.doesNotThrow(() => fc.assert(added, { numRuns: 40 }), version);
  }
  t.end();
});

t.test('attributes at rest, whatever version they came with', (t) => {
  const property = fc.property(
    fc.array(attribute({ version: '2.1', future: true }), { maxLength: 4 }),
    (list) => assert.deepEqual(decodeAttributes(encodeAttributes(list)), list),
  );
  t.doesNotThrow(() => fc.assert(property, many));
  t.end();
});

t.test('objects at rest', (t) => {
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

t.test('any message: binary, XML and JSON are spellings of one tree', (t) => {
  const property = fc.property(anyMessage, (message) => {
    assert.deepEqual(throughText(message), message);
    assert.ok(nodeToText(message).startsWith('RequestMessage\n'));
  });
  t.doesNotThrow(() => fc.assert(property, many));
  t.end();
});

t.test('every structure in every version, through the words of XML and JSON', async (t) => {
  for (const [name, schema] of await exportedStructures()) {
    for (const version of versions) {
      const property = fc.property(valueOf(schema, { version }), (value) => {
        const payload = decodeBinary(binary(schema, version, value), limits);
        const message: Node = { tag: tagNumber('RequestMessage'), type: 'Structure', value: [payload] };
        assert.deepEqual(throughText(message), message);
      });
      t.doesNotThrow(() => fc.assert(property, { numRuns: 3 }), `${name} in ${version}`);
    }
  }
});

t.test('attributes in every version, through the words of XML and JSON', (t) => {
  for (const version of versions) {
    const schema = struct({ It: eras.attributeList });
    const property = fc.property(fc.array(attribute({ version }), { maxLength: 6 }), (It) => {
      const payload = decodeBinary(binary(schema, version, { It }), limits);
      const message: Node = { tag: tagNumber('ResponseMessage'), type: 'Structure', value: [payload] };
      assert.deepEqual(throughText(message), message);
    });
    t.doesNotThrow(() => fc.assert(property, { numRuns: 40 }), version);
  }
  t.end();
});

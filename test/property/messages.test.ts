import assert from 'node:assert/strict';
import fc, { type Arbitrary } from 'fast-check';
import t from 'tap';
import { Operation } from '../../codec/enums.ts';
import { RequestHeader, ResponseHeader } from '../../codec/envelope.ts';
import type { Struct } from '../../codec/schema.ts';
import type { TagName } from '../../codec/tags.ts';
import { isWithin, type Version, versions } from '../../codec/version.ts';
import { jsonToNode, nodeToJson } from '../../codec/wire/json.ts';
import { decodeBinary, encodeBinary } from '../../codec/wire/message.ts';
import type { Node } from '../../codec/wire/node.ts';
import { nodeToXml, xmlToNodes } from '../../codec/wire/xml.ts';
import { operations } from '../../src/operations/index.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { enumerated, structure } from '../client.ts';
import { encodeValue } from '../unit/codec/convert.ts';
import { limits } from '../unit/codec/hex.ts';
import { valueOf } from './arbitrary.ts';

/** Messages of every operation, generated from its schemas: binary → XML → JSON → binary, byte for byte. */

function items(schema: Struct, version: Version, tag: TagName): Arbitrary<Node> {
  return valueOf(schema, { version }).map((value) =>
    decodeBinary(encodeValue(schema, version, value, tag), limits),
  );
}

function message(
  operation: AnyOperation,
  version: Version,
  direction: 'Request' | 'Response',
): Arbitrary<Node> {
  const [header, payload] =
    direction === 'Request' ? [RequestHeader, operation.request] : [ResponseHeader, operation.response];
  return fc
    .tuple(items(header, version, `${direction}Header`), items(payload, version, `${direction}Payload`))
    .map(([head, body]) => {
      const named = enumerated('Operation', Operation.toNumber(operation.name));
      return structure(`${direction}Message`, head, structure('BatchItem', named, body));
    });
}

function checkRoundTrip(original: Node): void {
  const bytes = encodeBinary(original);
  const [fromXml] = xmlToNodes(nodeToXml(decodeBinary(bytes, limits)), limits);
  assert.ok(fromXml);
  assert.deepEqual(encodeBinary(fromXml), bytes, 'through XML');
  assert.deepEqual(encodeBinary(jsonToNode(nodeToJson(fromXml, 0), limits)), bytes, 'through JSON');
}

t.test('every message of every operation survives XML and JSON in every version', (t) => {
  for (const operation of operations.values()) {
    for (const version of versions.filter((each) => isWithin(each, operation.since, operation.until))) {
      for (const direction of ['Request', 'Response'] as const) {
        const property = fc.property(message(operation, version, direction), checkRoundTrip);
        t.doesNotThrow(
          () => fc.assert(property, { numRuns: 6 }),
          `${direction} ${operation.name} ${version}`,
        );
      }
    }
  }
  t.end();
});

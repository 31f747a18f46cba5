import assert from 'node:assert/strict';
import fc, { type Arbitrary } from 'fast-check';
import t from 'tap';
import { decodeRequest, RequestHeader, UnsupportedVersionError } from '../../codec/envelope.ts';
import * as eras from '../../codec/eras.ts';
import { plan } from '../../codec/plan.ts';
import { type AnySchema, maybe, struct } from '../../codec/schema.ts';
import { managedObject, managedObjectField } from '../../codec/structures/managed-objects.ts';
import { tagNumber } from '../../codec/tags.ts';
import { type Version, versions } from '../../codec/version.ts';
import { jsonToNode, nodeToJson } from '../../codec/wire/json.ts';
import { decodeBinary, encodeBinary } from '../../codec/wire/message.ts';
import type { Node } from '../../codec/wire/node.ts';
import { nodeToXml, xmlToNodes } from '../../codec/wire/xml.ts';
import { WireError } from '../../codec/wire-error.ts';
import { decodeValue, encodeValue } from '../unit/codec/convert.ts';
import { limits } from '../unit/codec/hex.ts';
import { exportedStructures } from '../unit/codec/schemas.ts';
import { anyMessage, valueOf } from './arbitrary.ts';

const runs = { numRuns: 400 };

/** Returns the value that was read, or the refusal. Throws any other error, which is a bug. */
function outcome(read: () => unknown): unknown {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof WireError || error instanceof UnsupportedVersionError)
      return { refused: error.message };
    throw error;
  }
}

/** Payload schemas that together use most of the codec. */
const payloads: AnySchema[] = [
  struct({ It: eras.creationAttributes('TemplateAttribute', 'Attributes'), Object: managedObjectField }),
  struct({ It: eras.filterAttributes }),
  struct({ It: eras.attributeReferences }),
  struct({ It: eras.newAttribute, Current: eras.currentAttribute }),
];

/** Decodes a request and every payload in it, as the server does. */
function readAll(bytes: Uint8Array): unknown {
  return outcome(() => {
    const request = decodeRequest(bytes, limits);
    return request.items.map((item) => [
      item.operation,
      ...payloads.map((schema) => outcome(() => plan(schema, request.version).read(item.payload.fork()))),
    ]);
  });
}

/**
 * Checks that the result does not depend on the bytes around the message: the codec never reads beyond it.
 */
function checkIndependence(bytes: Uint8Array): void {
  const alone = readAll(bytes);
  for (const filling of [0x00, 0xff, 0x42]) {
    const surrounded = new Uint8Array(bytes.length + 64).fill(filling);
    surrounded.set(bytes, 24);
    assert.deepEqual(readAll(surrounded.subarray(24, 24 + bytes.length)), alone);
  }
}

/** Requests with a payload of one of the schemas. */
const request: Arbitrary<Uint8Array> = fc.constantFrom<Version>(...versions).chain((version) =>
  fc
    .tuple(valueOf(RequestHeader, { version }), fc.constantFrom(...payloads))
    .chain(([header, schema]) =>
      fc.tuple(fc.constant(header), fc.constant(schema), valueOf(schema, { version })),
    )
    .map(([header, schema, value]) => {
      const [major, minor] = version.split('.').map(Number);
      const numbers = { ProtocolVersionMajor: major, ProtocolVersionMinor: minor };
      const full = { ...(header as object), ProtocolVersion: numbers };
      const head = decodeBinary(encodeValue(RequestHeader, version, full, 'RequestHeader'), limits);
      const payload = decodeBinary(encodeValue(schema, version, value, 'RequestPayload'), limits);
      const operation: Node = { tag: tagNumber('Operation'), type: 'Enumeration', value: 3 };
      const item: Node = { tag: tagNumber('BatchItem'), type: 'Structure', value: [operation, payload] };
      return encodeBinary({ tag: tagNumber('RequestMessage'), type: 'Structure', value: [head, item] });
    }),
);

/** One change of a message: a byte, a length, a cut, a repeated piece. */
const mutation = fc.record({
  kind: fc.constantFrom('byte', 'length', 'type', 'cut', 'twice', 'bit'),
  at: fc.nat({ max: 100_000 }),
  value: fc.oneof(
    fc.constantFrom(0, 1, 7, 8, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff),
    fc.nat({ max: 300 }),
  ),
});

function mutate(
  message: Uint8Array,
  changes: readonly { kind: string; at: number; value: number }[],
): Uint8Array {
  let bytes = message.slice();
  for (const { kind, at, value } of changes) {
    const place = at % Math.max(1, bytes.length);
    const word = place - (place % 8);
    if (kind === 'byte') bytes[place] = value;
    else if (kind === 'bit') bytes[place] = (bytes[place] ?? 0) ^ (1 << (value & 7));
    else if (kind === 'type') bytes[word + 3] = value & 15;
    else if (kind === 'length' && word + 8 <= bytes.length)
      new DataView(bytes.buffer).setUint32(word + 4, value);
    else if (kind === 'cut') bytes = bytes.slice(0, place);
    else if (kind === 'twice') bytes = Uint8Array.of(...bytes, ...bytes.subarray(word));
  }
  return bytes;
}

t.test('the generated requests are valid before they are mutated', (t) => {
  const property = fc.property(request, (bytes) => {
    const read = readAll(bytes) as { value?: unknown };
    assert.ok(read.value, JSON.stringify(read));
  });
  t.doesNotThrow(() => fc.assert(property, runs));
  t.end();
});

t.test('random bytes are refused without a crash', (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), checkIndependence), runs));
  const framed = fc.uint8Array({ maxLength: 200 }).map((content) => {
    const bytes = new Uint8Array(8 + Math.ceil(content.length / 8) * 8);
    bytes.set([0x42, 0x00, 0x78, 0x01]);
    new DataView(bytes.buffer).setUint32(4, bytes.length - 8);
    bytes.set(content, 8);
    return bytes;
  });
  t.doesNotThrow(() => fc.assert(fc.property(framed, checkIndependence), runs));
  t.end();
});

t.test('well-formed TTLV of any content is read or refused', (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(anyMessage.map(encodeBinary), checkIndependence), runs));
  t.end();
});

t.test('mutated requests are read or refused', (t) => {
  const changes = fc.array(mutation, { minLength: 1, maxLength: 4 });
  const property = fc.property(request, changes, (bytes, list) => checkIndependence(mutate(bytes, list)));
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }));
  t.end();
});

t.test('every schema reads or refuses any other structure', async (t) => {
  const schemas = [...(await exportedStructures()).values(), managedObject];
  const property = fc.property(
    anyMessage,
    fc.constantFrom(...schemas),
    fc.constantFrom(...versions),
    (message, schema, version) => {
      const wrapped = struct({ RequestMessage: maybe(schema) });
      const encoded = encodeBinary({ tag: tagNumber('RequestMessage'), type: 'Structure', value: [message] });
      outcome(() => decodeValue(wrapped, version, encoded));
    },
  );
  t.doesNotThrow(() => fc.assert(property, runs));
});

/** Changes, cuts or repeats a few characters of a text. */
function mutateText(text: string, changes: readonly { kind: string; at: number; value: number }[]): string {
  let result = text;
  for (const { kind, at, value } of changes) {
    const place = at % Math.max(1, result.length);
    if (kind === 'cut') result = result.slice(0, place);
    else if (kind === 'twice') result = result.slice(0, place) + result.slice(Math.max(0, place - 20));
    else result = result.slice(0, place) + String.fromCharCode(value % 128) + result.slice(place + 1);
  }
  return result;
}

t.test('mutated XML and JSON are read or refused', (t) => {
  const changes = fc.array(mutation, { minLength: 1, maxLength: 3 });
  const property = fc.property(request, changes, (bytes, list) => {
    const message = decodeBinary(bytes, limits);
    outcome(() => xmlToNodes(mutateText(nodeToXml(message), list), limits).map(encodeBinary));
    outcome(() => encodeBinary(jsonToNode(mutateText(nodeToJson(message), list), limits)));
  });
  t.doesNotThrow(() => fc.assert(property, runs));
  t.end();
});

t.test('any text and any JSON are read or refused', (t) => {
  const property = fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
    outcome(() => xmlToNodes(text, limits));
    outcome(() => jsonToNode(text, limits));
    outcome(() => jsonToNode(`{"tag":"RequestMessage","value":[${text}]}`, limits));
    outcome(() => xmlToNodes(`<RequestMessage>${text}</RequestMessage>`, limits));
  });
  t.doesNotThrow(() => fc.assert(property, runs));
  t.end();
});

t.test('an item that is accepted as JSON is accepted as TTLV', (t) => {
  const item = fc.record({
    tag: fc.constantFrom(
      'BatchCount',
      'Operation',
      'Data',
      'NameValue',
      'RequestPayload',
      '0x540001',
      'CryptographicUsageMask',
    ),
    type: fc.constantFrom(
      'Integer',
      'LongInteger',
      'BigInteger',
      'Enumeration',
      'Boolean',
      'TextString',
      'ByteString',
      'DateTime',
      'Interval',
      'DateTimeExtended',
      'Structure',
    ),
    value: fc.oneof(
      fc.integer(),
      fc.string(),
      fc.boolean(),
      fc.constantFrom('0x00', '0xffffffffffffffff', '00ff', 'Create', 'Encrypt|Sign', null),
      fc.double(),
    ),
  });
  const property = fc.property(item, (each) => {
    const text = JSON.stringify({ tag: 'RequestMessage', value: [each] });
    const read = outcome(() => jsonToNode(text, limits)) as { value?: Node };
    if (read.value !== undefined)
      assert.deepEqual(decodeBinary(encodeBinary(read.value), limits), read.value);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }));
  t.end();
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { jsonToNode } from '../../codec/wire/json.ts';
import type { Node } from '../../codec/wire/node.ts';
import { WireError } from '../../codec/wire-error.ts';

const limits = { bytes: 1 << 20, depth: 32, structureItems: 4_096 };
const runs = { numRuns: 3_000 };

/** What a reader makes of a text: its value, or that it is not JSON. */
function read<T>(reader: () => T): { value: T } | 'no JSON' {
  try {
    return { value: reader() };
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof WireError && error.kind === 'malformed'))
      return 'no JSON';
    throw error;
  }
}

/** Characters with a meaning in JSON, and some that resemble them. */
const jsonLike = fc.string({
  unit: fc.constantFrom(
    ...'{}[]:,"\\/bfnrtu0019aeE+-.\t\n\r \u00a0\ufeff\u0001\ud800\udc00é',
    'true',
    'null',
    '\\u00e9',
    '\\ud83d',
  ),
  maxLength: 12,
});

t.test('a member that is ignored is JSON exactly when JSON.parse reads it', (t) => {
  const property = fc.property(fc.oneof(fc.json({ maxDepth: 5 }), jsonLike), (text) => {
    const message = (member: string) => `{"tag":"RequestMessage","x":${member}}`;
    // The member alone: a text such as `1,"y":2` is none.
    const parsed = read(() => JSON.parse(text));
    const whole = read(() => JSON.parse(message(text)));
    if (parsed === 'no JSON' && whole !== 'no JSON') return;
    const own = read(() => jsonToNode(message(text), limits));
    assert.equal(own === 'no JSON', parsed === 'no JSON', text);
  });
  t.doesNotThrow(() => fc.assert(property, runs));
  t.end();
});

t.test('a text has the characters that JSON.parse gives it', (t) => {
  const spelled = fc.array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3 }).map((text) => JSON.stringify(text).slice(1, -1)),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`),
      fc.constantFrom('\\"', '\\\\', '\\/', '\\b', '\\f', '\\n', '\\r', '\\t', '\\x', '\\', '"', '\n'),
    ),
    { maxLength: 8 },
  );
  const property = fc.property(spelled, (parts) => {
    const text = `"${parts.join('')}"`;
    const expected = read(() => JSON.parse(text) as string);
    if (expected !== 'no JSON' && !expected.value.isWellFormed()) return;
    const message = `{"tag":"RequestMessage","value":[{"tag":"NameValue","type":"TextString","value":${text}}]}`;
    const own = read(() => jsonToNode(message, limits).value as Node[]);
    if (expected === 'no JSON') assert.equal(own, 'no JSON');
    else assert.deepEqual(own, { value: [{ tag: 0x420055, type: 'TextString', value: expected.value }] });
  });
  t.doesNotThrow(() => fc.assert(property, runs));
  t.end();
});

t.test('a number has the value that JSON.parse gives it', (t) => {
  const spelled = fc.oneof(
    fc
      .tuple(
        fc.constantFrom('', '-', '+', '--'),
        fc.oneof(
          fc.nat(2 ** 31 - 1).map(String),
          fc.constantFrom('', '0', '00', '01', '.5', '1.', '0x1', 'Infinity'),
        ),
        fc.constantFrom('', '.0', '.', '.00'),
        fc.constantFrom('', 'e0', 'E+0', 'e', 'e-', 'e0.0', 'E00'),
      )
      .map((parts) => parts.join('')),
  );
  const property = fc.property(spelled, (digits) => {
    const expected = read(() => JSON.parse(digits) as number);
    const message = `{"tag":"RequestMessage","value":[{"tag":"BatchCount","type":"Integer","value":${digits}}]}`;
    const own = read(() => (jsonToNode(message, limits).value as Node[])[0]?.value);
    if (expected === 'no JSON') assert.equal(own, 'no JSON', digits);
    else assert.deepEqual(own, { value: expected.value | 0 }, digits);
  });
  t.doesNotThrow(() => fc.assert(property, runs));
  t.end();
});

t.test('the members of an item may have any order and occur once', (t) => {
  const members = [
    '"tag":"RequestPayload"',
    '"type":"Structure"',
    '"value":[{"value":1,"type":"Integer","tag":"BatchCount"}]',
    '"x":{"value":[]}',
  ];
  const item = (order: readonly string[]) => `{"value":[{${order.join()}}],"tag":"RequestMessage"}`;
  const expected = jsonToNode(item(members), limits);
  assert.deepEqual(expected.value, [
    { tag: 0x420079, type: 'Structure', value: [{ tag: 0x42000d, type: 'Integer', value: 1 }] },
  ]);
  const property = fc.property(fc.shuffledSubarray(members, { minLength: 4 }), (order) => {
    assert.deepEqual(jsonToNode(item(order), limits), expected);
    for (const twice of members.slice(0, 3))
      assert.throws(() => jsonToNode(item([...order, twice]), limits), /occurs twice/);
  });
  t.doesNotThrow(() => fc.assert(property));
  t.end();
});

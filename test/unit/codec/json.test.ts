import t from 'tap';
import { jsonToNode, nodeToJson } from '../../../codec/wire/json.ts';
import type { Node } from '../../../codec/wire/node.ts';
import { bytes, limits } from './hex.ts';

const RequestMessage = 0x420078;

function message(...value: Node[]): Node {
  return { tag: RequestMessage, type: 'Structure', value };
}

/** A message with one item, as JSON. */
function messageWith(item: unknown): string {
  return JSON.stringify({ tag: 'RequestMessage', value: [item] });
}

t.test('jsonToNode reads every form of every type', (t) => {
  const big = { tag: 0x420052, type: 'BigInteger', value: bytes('0000000000000001') } as const;
  const cases: [item: Record<string, unknown>, node: Node][] = [
    [
      { tag: 'BatchCount', type: 'Integer', value: -1 },
      { tag: 0x42000d, type: 'Integer', value: -1 },
    ],
    [
      { tag: 'BatchCount', type: 'Integer', value: '0xffffffff' },
      { tag: 0x42000d, type: 'Integer', value: -1 },
    ],
    [
      { tag: '0x42000D', type: 'Integer', value: 7 },
      { tag: 0x42000d, type: 'Integer', value: 7 },
    ],
    [
      { tag: 'CryptographicUsageMask', type: 'Integer', value: 'Encrypt|Decrypt' },
      { tag: 0x42002c, type: 'Integer', value: 12 },
    ],
    [
      { tag: 'CryptographicUsageMask', type: 'Integer', value: 12 },
      { tag: 0x42002c, type: 'Integer', value: 12 },
    ],
    [
      { tag: 'CryptographicUsageMask', type: 'Integer', value: '0x0000000c' },
      { tag: 0x42002c, type: 'Integer', value: 12 },
    ],
    [
      { tag: 'UsageLimitsTotal', type: 'LongInteger', value: 5 },
      { tag: 0x420097, type: 'LongInteger', value: 5n },
    ],
    [
      { tag: 'UsageLimitsTotal', type: 'LongInteger', value: '0x0010000000000001' },
      { tag: 0x420097, type: 'LongInteger', value: 2n ** 52n + 1n },
    ],
    [
      { tag: 'UsageLimitsTotal', type: 'LongInteger', value: '0xffffffffffffffff' },
      { tag: 0x420097, type: 'LongInteger', value: -1n },
    ],
    [{ tag: 'Modulus', type: 'BigInteger', value: 1 }, big],
    [{ tag: 'Modulus', type: 'BigInteger', value: '0x01' }, big],
    [{ tag: 'Modulus', type: 'BigInteger', value: '0x0000000000000001' }, big],
    [
      { tag: 'Modulus', type: 'BigInteger', value: -1 },
      { ...big, value: bytes('ffffffffffffffff') },
    ],
    [
      { tag: 'Operation', type: 'Enumeration', value: 'Create' },
      { tag: 0x42005c, type: 'Enumeration', value: 1 },
    ],
    [
      { tag: 'Operation', type: 'Enumeration', value: 1 },
      { tag: 0x42005c, type: 'Enumeration', value: 1 },
    ],
    [
      { tag: 'Operation', type: 'Enumeration', value: '0x00000001' },
      { tag: 0x42005c, type: 'Enumeration', value: 1 },
    ],
    [
      { tag: 'Operation', type: 'Enumeration', value: 0x80000001 },
      { tag: 0x42005c, type: 'Enumeration', value: 0x80000001 },
    ],
    [
      { tag: 'BatchOrderOption', type: 'Boolean', value: true },
      { tag: 0x420010, type: 'Boolean', value: true },
    ],
    [
      { tag: 'BatchOrderOption', type: 'Boolean', value: '0x0000000000000000' },
      { tag: 0x420010, type: 'Boolean', value: false },
    ],
    [
      { tag: 'NameValue', type: 'TextString', value: 'a"\n€' },
      { tag: 0x420055, type: 'TextString', value: 'a"\n€' },
    ],
    [
      { tag: 'Data', type: 'ByteString', value: '00Ff' },
      { tag: 0x4200c2, type: 'ByteString', value: bytes('00ff') },
    ],
    [
      { tag: 'TimeStamp', type: 'DateTime', value: '2008-03-14T11:56:40.5Z' },
      { tag: 0x420092, type: 'DateTime', value: 1205495800 },
    ],
    [
      { tag: 'TimeStamp', type: 'DateTime', value: '0x0000000047da67f8' },
      { tag: 0x420092, type: 'DateTime', value: 1205495800 },
    ],
    [
      { tag: 'LeaseTime', type: 'Interval', value: 3600 },
      { tag: 0x420049, type: 'Interval', value: 3600 },
    ],
    [
      { tag: 'LeaseTime', type: 'Interval', value: '0xffffffff' },
      { tag: 0x420049, type: 'Interval', value: 0xffffffff },
    ],
    [{ tag: 'RequestPayload' }, { tag: 0x420079, type: 'Structure', value: [] }],
    [
      { tag: 'RequestPayload', value: null },
      { tag: 0x420079, type: 'Structure', value: [] },
    ],
    [
      { tag: 'RequestPayload', type: 'Structure', value: [] },
      { tag: 0x420079, type: 'Structure', value: [] },
    ],
    [
      { tag: '0x54FFFF', name: 'Any', type: 'Integer', value: 1 },
      { tag: 0x54ffff, type: 'Integer', value: 1 },
    ],
  ];
  for (const [item, node] of cases) {
    t.same(jsonToNode(messageWith(item), limits), message(node), JSON.stringify(item));
    t.same(jsonToNode(nodeToJson(message(node)), limits), message(node), `${JSON.stringify(item)} again`);
  }
  t.end();
});

t.test('nodeToJson writes one form for each type', (t) => {
  const cases: [node: Node, value: unknown][] = [
    [{ tag: 0x42002c, type: 'Integer', value: 12 }, 'Encrypt|Decrypt'],
    [{ tag: 0x42002c, type: 'Integer', value: 0 }, 0],
    [{ tag: 0x42000d, type: 'Integer', value: -1 }, -1],
    [{ tag: 0x420097, type: 'LongInteger', value: 2n ** 52n - 1n }, 2 ** 52 - 1],
    [{ tag: 0x420097, type: 'LongInteger', value: 2n ** 52n }, '0x0010000000000000'],
    [{ tag: 0x420097, type: 'LongInteger', value: -(2n ** 52n) }, '0xfff0000000000000'],
    [{ tag: 0x420052, type: 'BigInteger', value: bytes('80') }, '0xffffffffffffff80'],
    [{ tag: 0x42005c, type: 'Enumeration', value: 1 }, 'Create'],
    [{ tag: 0x42005c, type: 'Enumeration', value: 0x7777 }, '0x00007777'],
    [{ tag: 0x420010, type: 'Boolean', value: false }, false],
    [{ tag: 0x4200c2, type: 'ByteString', value: bytes('00ff') }, '00ff'],
    [{ tag: 0x420092, type: 'DateTime', value: 0 }, '1970-01-01T00:00:00+00:00'],
    [{ tag: 0x420092, type: 'DateTimeExtended', value: 1n }, '1970-01-01T00:00:00.000001+00:00'],
    [{ tag: 0x420049, type: 'Interval', value: 5 }, 5],
    [{ tag: 0x420055, type: 'TextString', value: '' }, ''],
  ];
  for (const [node, value] of cases) {
    t.same(
      JSON.parse(nodeToJson(node)),
      { tag: JSON.parse(nodeToJson(node)).tag, type: node.type, value },
      `${node.type} ${value}`,
    );
  }
  t.same(JSON.parse(nodeToJson(message())), { tag: 'RequestMessage', value: [] });
  t.equal(nodeToJson(message(), 0), '{"tag":"RequestMessage","value":[]}\n');
  t.same(JSON.parse(nodeToJson({ tag: 0x540001, type: 'Integer', value: 1 })), {
    tag: '0x540001',
    type: 'Integer',
    value: 1,
  });
  t.end();
});

t.test('the value of a 1.x attribute uses the vocabulary of the named attribute', (t) => {
  const attribute = (name: string, type: string, value: unknown): string =>
    messageWith({
      tag: 'Attribute',
      value: [
        { tag: 'AttributeName', type: 'TextString', value: name },
        { tag: 'AttributeValue', type, value },
      ],
    });
  const usage = jsonToNode(attribute('Cryptographic Usage Mask', 'Integer', 'Encrypt|Decrypt'), limits);
  t.match(usage, { value: [{ value: [{}, { value: 12 }] }] });
  t.match(nodeToJson(usage), /"Encrypt\|Decrypt"/);
  t.match(jsonToNode(attribute('Object Type', 'Enumeration', 'SymmetricKey'), limits), {
    value: [{ value: [{}, { value: 2 }] }],
  });
  t.throws(() => jsonToNode(attribute('x-Type', 'Enumeration', 'SymmetricKey'), limits), {
    name: 'WireError',
    message: /^RequestMessage\/Attribute\/AttributeValue: must be/,
  });
  t.end();
});

t.test('jsonToNode refuses documents that are not a message', (t) => {
  const cases: [name: string, text: string, kind: string, message: RegExp][] = [
    ['nothing', '', 'malformed', /well-formed/],
    ['no JSON', '{secret', 'malformed', /well-formed/],
    ['a list', '[]', 'field', /must be an object/],
    ['null', 'null', 'field', /must be an object/],
    ['a number', '1', 'field', /must be an object/],
    ['no tag', '{}', 'field', /no tag/],
    ['an unknown tag', '{"tag":"Secret"}', 'field', /no tag/],
    ['a prototype as the tag', '{"tag":"__proto__"}', 'field', /no tag/],
    ['a number as the tag', '{"tag":4325496}', 'field', /no tag/],
    [
      'a message that is no structure',
      '{"tag":"RequestMessage","type":"Integer","value":1}',
      'malformed',
      /must be a structure/,
    ],
    ['an unknown item', messageWith({ tag: 'Secret' }), 'field', /^RequestMessage: an item has no tag/],
    ['an item that is null', messageWith(null), 'field', /^RequestMessage: an item must be/],
    ['an item that is a list', messageWith([]), 'field', /^RequestMessage: an item must be/],
    [
      'an unknown type',
      messageWith({ tag: 'Data', type: 'Secret', value: '' }),
      'field',
      /^RequestMessage\/Data: /,
    ],
    [
      'a type that is no text',
      messageWith({ tag: 'Data', type: 8, value: '' }),
      'field',
      /^RequestMessage\/Data: /,
    ],
    ['a prototype as the type', messageWith({ tag: 'Data', type: 'toString', value: '' }), 'field', /Data/],
    ['a structure that is a text', messageWith({ tag: 'RequestPayload', value: 'secret' }), 'field', /array/],
    ['a structure that is an object', messageWith({ tag: 'RequestPayload', value: {} }), 'field', /array/],
    ['no value', messageWith({ tag: 'Data', type: 'ByteString' }), 'field', /JSON value of ByteString/],
    [
      'null as a text',
      messageWith({ tag: 'NameValue', type: 'TextString', value: null }),
      'field',
      /JSON value of TextString/,
    ],
    [
      'a number as a text',
      messageWith({ tag: 'NameValue', type: 'TextString', value: 1 }),
      'field',
      /JSON value of TextString/,
    ],
    [
      'a number as a date',
      messageWith({ tag: 'TimeStamp', type: 'DateTime', value: 1 }),
      'field',
      /JSON value of DateTime/,
    ],
    [
      'a number as a Boolean',
      messageWith({ tag: 'BatchOrderOption', type: 'Boolean', value: 1 }),
      'field',
      /JSON value of Boolean/,
    ],
    [
      'a Boolean as an Integer',
      messageWith({ tag: 'BatchCount', type: 'Integer', value: true }),
      'field',
      /JSON value of Integer/,
    ],
    [
      'a fraction',
      messageWith({ tag: 'BatchCount', type: 'Integer', value: 1.5 }),
      'field',
      /JSON value of Integer/,
    ],
    [
      'an Integer too large',
      messageWith({ tag: 'BatchCount', type: 'Integer', value: 2 ** 31 }),
      'field',
      /32-bit/,
    ],
    [
      'an inexact number',
      messageWith({ tag: 'UsageLimitsTotal', type: 'LongInteger', value: 2 ** 60 }),
      'field',
      /JSON value/,
    ],
    [
      'an Enumeration below 0',
      messageWith({ tag: 'Operation', type: 'Enumeration', value: -1 }),
      'field',
      /JSON value/,
    ],
    [
      'a lone surrogate',
      messageWith({ tag: 'NameValue', type: 'TextString', value: '\ud800' }),
      'field',
      /Unicode/,
    ],
    ['odd hex', messageWith({ tag: 'Data', type: 'ByteString', value: '0' }), 'field', /hex digits/],
  ];
  for (const [name, text, kind, message] of cases) {
    t.throws(() => jsonToNode(text, limits), { name: 'WireError', kind, message }, name);
    try {
      jsonToNode(text, limits);
    } catch (error) {
      t.notMatch(String(error), /secret/i, `${name}: repeats nothing of the document`);
    }
  }
  t.end();
});

t.test('jsonToNode has the limits of the binary encoding', (t) => {
  const nested = (depth: number): string =>
    '{"tag":"RequestPayload","value":['.repeat(depth) + ']}'.repeat(depth);
  const count = (n: number): string =>
    JSON.stringify({
      tag: 'RequestMessage',
      value: Array(n).fill({ tag: 'BatchCount', type: 'Integer', value: 1 }),
    });
  const small = { depth: 3, structureItems: 4, bytes: 8 + 4 * 16 };
  t.doesNotThrow(() => jsonToNode(nested(3), small));
  t.throws(() => jsonToNode(nested(4), small), { kind: 'malformed', message: /nested deeper than 3/ });
  t.doesNotThrow(() => jsonToNode(count(4), small));
  t.throws(() => jsonToNode(count(5), small), { kind: 'malformed', message: /more than 4 items/ });
  t.throws(() => jsonToNode(count(4), { ...small, bytes: 71 }), {
    kind: 'malformed',
    message: /larger than 71 bytes/,
  });
  t.throws(
    () => jsonToNode(nested(20_000), limits),
    { name: 'WireError', kind: 'malformed' },
    'no stack overflow',
  );
  t.throws(
    () => jsonToNode('['.repeat(500_000), limits),
    { name: 'WireError' },
    'no stack overflow in the JSON parser',
  );
  t.end();
});

t.test('jsonToNode refuses deep brackets', (t) => {
  const unit = '{"tag":"Attribute","value":[';
  for (const [text, message] of [
    ['['.repeat(200_000), /must be an object/],
    ['{"a":'.repeat(200_000), /nested deeper/],
    [`{"a":${'['.repeat(200_000)}`, /nested deeper/],
    [unit.repeat(100_000), /nested deeper/],
  ] as const) {
    for (const closed of [text, `${text}${']}'.repeat(100_000)}`])
      t.throws(() => jsonToNode(closed, limits), { name: 'WireError', message });
  }
  const quoted = `{"tag":"RequestMessage","value":[{"tag":"NameValue","type":"TextString","value":"${'[{'.repeat(999)}\\"["}]}`;
  t.ok(jsonToNode(quoted, limits), 'brackets in a text do not count');
  t.end();
});

import t from 'tap';
import { BinaryReader, checkStructure } from '../../../codec/wire/binary-reader.ts';
import { BinaryWriter, encodeMessage } from '../../../codec/wire/binary-writer.ts';
import { decodeBinary, encodeBinary } from '../../../codec/wire/message.ts';
import { type Node, type TypedValue, writeValue } from '../../../codec/wire/node.ts';
import { WireError } from '../../../codec/wire-error.ts';
import { bytes, limits, toBarredHex } from './hex.ts';

const tag = 0x420020;

/** KMIP 1.4 §9.1.2: the specification's own examples, and the edges of each type. */
const examples: [name: string, hex: string, value: TypedValue][] = [
  ['Integer 8', '420020 | 02 | 00000004 | 0000000800000000', { type: 'Integer', value: 8 }],
  ['Integer -1', '420020 | 02 | 00000004 | ffffffff00000000', { type: 'Integer', value: -1 }],
  ['Integer minimum', '420020 | 02 | 00000004 | 8000000000000000', { type: 'Integer', value: -0x80000000 }],
  [
    'Long Integer',
    '420020 | 03 | 00000008 | 01b69b4ba5749200',
    { type: 'LongInteger', value: 123456789000000000n },
  ],
  [
    'Long Integer minimum',
    '420020 | 03 | 00000008 | 8000000000000000',
    { type: 'LongInteger', value: -(2n ** 63n) },
  ],
  [
    'Big Integer',
    '420020 | 04 | 00000010 | 0000000003fd35eb6bc2df4618080000',
    { type: 'BigInteger', value: bytes('0000000003fd35eb 6bc2df4618080000') },
  ],
  ['Enumeration', '420020 | 05 | 00000004 | 000000ff00000000', { type: 'Enumeration', value: 255 }],
  [
    'Enumeration extension',
    '420020 | 05 | 00000004 | 8012345600000000',
    { type: 'Enumeration', value: 0x80123456 },
  ],
  ['Boolean true', '420020 | 06 | 00000008 | 0000000000000001', { type: 'Boolean', value: true }],
  ['Boolean false', '420020 | 06 | 00000008 | 0000000000000000', { type: 'Boolean', value: false }],
  [
    'Text',
    '420020 | 07 | 0000000b | 48656c6c6f20576f726c640000000000',
    { type: 'TextString', value: 'Hello World' },
  ],
  ['Text of 8 bytes', '420020 | 07 | 00000008 | 3132333435363738', { type: 'TextString', value: '12345678' }],
  ['Text empty', '420020 | 07 | 00000000 | ', { type: 'TextString', value: '' }],
  ['Text beyond ASCII', '420020 | 07 | 00000007 | e282acf09f949100', { type: 'TextString', value: '€🔑' }],
  [
    'Text with a byte order mark',
    '420020 | 07 | 00000004 | efbbbf6100000000',
    { type: 'TextString', value: '\ufeffa' },
  ],
  ['Bytes', '420020 | 08 | 00000003 | 0102030000000000', { type: 'ByteString', value: bytes('010203') }],
  ['Bytes empty', '420020 | 08 | 00000000 | ', { type: 'ByteString', value: bytes('') }],
  ['Date-Time', '420020 | 09 | 00000008 | 0000000047da67f8', { type: 'DateTime', value: 1205495800 }],
  ['Date-Time before 1970', '420020 | 09 | 00000008 | ffffffffffffffff', { type: 'DateTime', value: -1 }],
  ['Interval of 10 days', '420020 | 0a | 00000004 | 000d2f0000000000', { type: 'Interval', value: 864000 }],
  ['Interval maximum', '420020 | 0a | 00000004 | ffffffff00000000', { type: 'Interval', value: 0xffffffff }],
  [
    'Date-Time Extended',
    '420020 | 0b | 00000008 | 000448645cf1d040',
    { type: 'DateTimeExtended', value: 1205495800123456n },
  ],
  [
    'Structure',
    '420020 | 01 | 00000020 | 4200040500000004000000fe00000000 4200050200000004000000ff00000000',
    {
      type: 'Structure',
      value: [
        { tag: 0x420004, type: 'Enumeration', value: 254 },
        { tag: 0x420005, type: 'Integer', value: 255 },
      ],
    },
  ],
  ['Structure empty', '420020 | 01 | 00000000 | ', { type: 'Structure', value: [] }],
];

t.test('the codec reads and writes the examples of the specification for every type', (t) => {
  for (const [name, hex, value] of examples) {
    const node: Node = { tag, ...value };
    t.equal(toBarredHex(encodeBinary(node)).replaceAll(' ', ''), hex.replaceAll(' ', ''), `${name} written`);
    t.same(decodeBinary(bytes(hex), limits), node, `${name} read`);
  }
  t.end();
});

/** Bytes that are not TTLV, and a word of the reason. */
const malformed: [name: string, hex: string, reason: RegExp][] = [
  ['nothing', '', /no item/],
  ['a header cut short', '420020 02 000000', /cut short/],
  ['a value cut short', '420020 02 00000004 00000008', /longer than its parent/],
  ['a length beyond the message', '420020 08 7fffffff 00', /longer than its parent/],
  ['a length of 2^32 - 1', '420020 07 ffffffff 0000000000000000', /longer than its parent/],
  [
    'a child longer than its parent',
    '420020 01 00000010 420004 08 00000010 0000000000000000 0000000000000000',
    /longer than its parent/,
  ],
  ['a child header cut short', '420020 01 00000004 42000405 00000000', /not a multiple of 8/],
  ['type 0', '420020 00 00000000', /unknown item type 0/],
  ['a type of 3.0', '420020 0c 00000000', /unknown item type 12/],
  ['type 255', '420020 ff 00000000', /unknown item type 255/],
  ['a tag outside the ranges', '430020 02 00000004 0000000800000000', /outside 0x42xxxx/],
  ['tag 0', '000000 02 00000004 0000000800000000', /outside 0x42xxxx/],
  ['an Integer of 8 bytes', '420020 02 00000008 0000000000000008', /Integer of length 8, must be 4/],
  ['an Enumeration of 0 bytes', '420020 05 00000000', /must be 4/],
  ['an Interval of 5 bytes', '420020 0a 00000005 0000000000000000', /must be 4/],
  ['a Long Integer of 4 bytes', '420020 03 00000004 0000000000000000', /must be 8/],
  ['a Boolean of 4 bytes', '420020 06 00000004 0000000000000000', /must be 8/],
  ['a Date-Time of 4 bytes', '420020 09 00000004 0000000000000000', /must be 8/],
  ['a Date-Time Extended of 16 bytes', '420020 0b 00000010 00000000000000000000000000000000', /must be 8/],
  ['a Big Integer of 4 bytes', '420020 04 00000004 0000000100000000', /not a multiple of 8/],
  ['a Structure of 4 bytes', '420020 01 00000004 0000000000000000', /not a multiple of 8/],
  ['padding of an Integer not zero', '420020 02 00000004 0000000800000001', /padding/],
  ['padding of a text not zero', '420020 07 00000001 4141000000000000', /padding/],
  [
    'two items',
    '420020 02 00000004 0000000800000000 420020 02 00000004 0000000800000000',
    /more than one item/,
  ],
  ['bytes behind the item', '420020 02 00000004 0000000800000000 00', /cut short/],
];

/** Well-formed TTLV whose value is none of its type. */
const invalid: [name: string, hex: string, reason: RegExp][] = [
  ['a Boolean of 2', '420020 06 00000008 0000000000000002', /is not a Boolean value/],
  ['a Boolean with its first bit set', '420020 06 00000008 8000000000000000', /is not a Boolean value/],
  ['a text cut inside a character', '420020 07 00000002 e282000000000000', /UTF-8/],
  ['a text with a surrogate', '420020 07 00000003 eda0800000000000', /UTF-8/],
  ['a text overlong', '420020 07 00000002 c080000000000000', /UTF-8/],
];

t.test('decodeBinary refuses bytes that are not valid TTLV', (t) => {
  for (const [kind, cases] of [
    ['malformed', malformed],
    ['field', invalid],
  ] as const) {
    for (const [name, hex, reason] of cases) {
      t.throws(() => decodeBinary(bytes(hex), limits), { name: 'WireError', kind, message: reason }, name);
    }
  }
  t.end();
});

/** `depth` structures inside each other. */
function nested(depth: number): Node {
  let node: Node = { tag, type: 'Structure', value: [] };
  for (let level = 1; level < depth; level++) node = { tag, type: 'Structure', value: [node] };
  return node;
}

t.test('decodeBinary refuses structures nested deeper than the limit', (t) => {
  const three = { depth: 3, structureItems: 10 };
  t.doesNotThrow(() => decodeBinary(encodeBinary(nested(3)), three));
  t.throws(() => decodeBinary(encodeBinary(nested(4)), three), {
    kind: 'malformed',
    message: /deeper than 3/,
  });
  const deep = new Uint8Array(8 * 50_000);
  const view = new DataView(deep.buffer);
  for (let at = 0; at < deep.length; at += 8) {
    view.setUint32(at, ((tag << 8) | 1) >>> 0);
    view.setUint32(at + 4, deep.length - at - 8);
  }
  t.throws(
    () => decodeBinary(deep, limits),
    { kind: 'malformed', message: /deeper than 32/ },
    'no stack runs over',
  );
  t.end();
});

t.test('decodeBinary refuses more items in one structure than the limit', (t) => {
  const item: Node = { tag, type: 'Integer', value: 1 };
  const of = (count: number): Uint8Array =>
    encodeBinary({ tag, type: 'Structure', value: Array(count).fill(item) });
  const five = { depth: 3, structureItems: 5 };
  t.doesNotThrow(() => decodeBinary(of(5), five));
  t.throws(() => decodeBinary(of(6), five), { kind: 'malformed', message: /more than 5 items/ });
  t.end();
});

t.test('a WireError contains the offset of the item', (t) => {
  const hex = '420020 01 00000010 420004 02 00000008 0000000000000000';
  t.throws(() => checkStructure(bytes(hex), limits), { offset: 8, message: /at byte 8/ });
  t.end();
});

t.test('a reader refuses an item of another type', (t) => {
  const integer = bytes('420020 02 00000004 0000000800000000');
  for (const read of [
    'text',
    'byteString',
    'boolean',
    'long',
    'bigInteger',
    'date',
    'dateExtended',
    'interval',
    'enumeration',
    'enter',
  ] as const) {
    t.throws(
      () => new BinaryReader(integer)[read](),
      { name: 'WireError', kind: 'field', message: /is Integer, must be/ },
      read,
    );
  }
  t.end();
});

t.test('a reader limits dates to exact numbers', (t) => {
  const date = (hex: string): number => new BinaryReader(bytes(`420020 09 00000008 ${hex}`)).date();
  t.equal(date('7fffffffffffffff'), Number.MAX_SAFE_INTEGER);
  t.equal(date('8000000000000000'), Number.MIN_SAFE_INTEGER);
  t.equal(date('001fffffffffffff'), Number.MAX_SAFE_INTEGER);
  t.equal(date('001ffffffffffffe'), Number.MAX_SAFE_INTEGER - 1);
  t.end();
});

t.test('a reader returns byte strings as views of the message', (t) => {
  const message = bytes('420020 08 00000003 0102030000000000');
  const value = new BinaryReader(message).byteString();
  t.equal(value.buffer, message.buffer);
  t.same(value, bytes('010203'));
  t.end();
});

t.test('a detached reader reads one item alone', (t) => {
  const reader = new BinaryReader(
    bytes('420020 02 00000004 0000000800000000 420021 02 00000004 0000000900000000'),
  );
  const first = reader.detach();
  t.equal(first.integer(), 8);
  t.equal(first.tag(), 0, 'at its end');
  t.equal(reader.integer(), 9, 'and the other one behind it');
  t.end();
});

t.test('the writer keeps all bytes when its buffer grows', (t) => {
  const values: TypedValue[] = examples.map(([, , value]) => value);
  for (const value of values) {
    for (let capacity = 0; capacity <= 48; capacity += 8) {
      const writer = new BinaryWriter(capacity);
      const start = writer.open(tag);
      for (let i = 0; i < 3; i++) writer.raw(encodeBinary({ tag, ...value }));
      writer.close(start);
      const expected = writer.finish();
      const again = new BinaryWriter(capacity);
      writeThrice(again, value);
      t.same(again.finish(), expected, `${value.type} from ${capacity} bytes`);
    }
  }
  t.end();
});

function writeThrice(writer: BinaryWriter, value: TypedValue): void {
  const start = writer.open(tag);
  for (let i = 0; i < 3; i++) writeValue(writer, tag, value);
  writer.close(start);
}

t.test('the writer wipes earlier messages', (t) => {
  const writer = new BinaryWriter(64);
  writer.byteString(tag, new Uint8Array(24).fill(0xff));
  const first = writer.finish();
  writer.text(tag, 'a');
  t.same(writer.finish(), bytes('420020 07 00000001 6100000000000000'));
  t.equal(first[8], 0xff, 'what was finished is a copy');
  writer.byteString(tag, new Uint8Array(8).fill(0xff));
  writer.clear();
  writer.byteString(tag, Uint8Array.of(1));
  t.same(writer.finish(), bytes('420020 08 00000001 0100000000000000'));
  t.end();
});

t.test('encodeMessage works nested, after an error and after a large message', (t) => {
  const small = '420020 08 00000001 0100000000000000';
  const write = (writer: BinaryWriter) => writer.byteString(tag, Uint8Array.of(1));
  const nested = encodeMessage((outer) => {
    write(outer);
    t.same(encodeMessage(write), bytes(small));
    write(outer);
  });
  t.same(nested, bytes(small + small));
  t.throws(() =>
    encodeMessage((writer) => {
      write(writer);
      throw new Error('no');
    }),
  );
  t.equal(encodeMessage((writer) => writer.byteString(tag, new Uint8Array(200_000))).length, 200_008);
  t.same(encodeMessage(write), bytes(small));
  t.end();
});

t.test('the writer extends Big Integers of any length with their sign', (t) => {
  for (const [given, came] of [
    ['', '0000000000000000'],
    ['7f', '000000000000007f'],
    ['80', 'ffffffffffffff80'],
    ['ff01', 'ffffffffffffff01'],
    ['0102030405060708', '0102030405060708'],
    ['810203040506070809', 'ffffffffffffff810203040506070809'],
  ] as const) {
    const item = encodeBinary({ tag, type: 'BigInteger', value: bytes(given) });
    t.equal(item.subarray(8).toHex(), came, given);
  }
  t.end();
});

t.test('the writer replaces lone surrogates in a text', (t) => {
  const node = decodeBinary(encodeBinary({ tag, type: 'TextString', value: 'a\ud800b' }), limits);
  t.same(node, { tag, type: 'TextString', value: 'a\ufffdb' });
  t.end();
});

t.test('a decoding error contains no value', (t) => {
  try {
    decodeBinary(bytes('420043 06 00000008 00000000deadbeef'), limits);
    t.fail('must throw');
  } catch (error) {
    t.ok(error instanceof WireError);
    t.notMatch(String(error), /deadbeef|3735928559/i);
    t.match(String(error), /KeyMaterial/);
  }
  t.end();
});

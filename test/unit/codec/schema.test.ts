import t from 'tap';
import { enumeration } from '../../../codec/enumeration.ts';
import { HashingAlgorithm, KeyFormatType } from '../../../codec/enums.ts';
import { CryptographicUsageMask } from '../../../codec/masks.ts';
import { plan } from '../../../codec/plan.ts';
import {
  type AnySchema,
  any,
  big,
  bool,
  bytes as byteString,
  date,
  dateExtended,
  era,
  integer,
  interval,
  long,
  many,
  maybe,
  one,
  partial,
  type Struct,
  since,
  struct,
  tagged,
  text,
  until,
} from '../../../codec/schema.ts';
import { type TagName, tagNumber } from '../../../codec/tags.ts';
import { type Version, versions } from '../../../codec/version.ts';
import { BinaryReader } from '../../../codec/wire/binary-reader.ts';
import { BinaryWriter } from '../../../codec/wire/binary-writer.ts';
import { decodeBinary, encodeBinary } from '../../../codec/wire/message.ts';
import type { Node, TypedValue } from '../../../codec/wire/node.ts';
import { bytes, limits } from './hex.ts';

const tag = tagNumber('RequestPayload');

function encode(schema: AnySchema, version: Version, value: unknown): Uint8Array {
  const writer = new BinaryWriter();
  plan(schema, version).write(writer, tag, value as never);
  return writer.finish();
}

function read(schema: AnySchema, version: Version, fields: readonly Node[]): unknown {
  const message = encodeBinary({ tag, type: 'Structure', value: fields });
  return plan(schema, version).read(new BinaryReader(message));
}

function item(name: TagName, value: TypedValue): Node {
  return { tag: tagNumber(name), ...value };
}

/** Names of the fields that stand in an encoded structure, in order. */
function fieldsOf(message: Uint8Array): number[] {
  const node = decodeBinary(message, limits);
  return node.type === 'Structure' ? node.value.map((child) => child.tag) : [];
}

const sample = struct({
  Username: one(text),
  BatchCount: maybe(integer),
  Data: many(byteString),
});

t.test('every scalar is read as it was written', (t) => {
  const scalars: [AnySchema, unknown][] = [
    [integer, -5],
    [long, 2n ** 62n],
    [big, bytes('ff00000000000001')],
    [bool, true],
    [text, 'Ünïcode'],
    [byteString, bytes('00ff')],
    [date, 1_700_000_000],
    [dateExtended, 1_700_000_000_000_001n],
    [interval, 0xffffffff],
    [any, { type: 'Interval', value: 7 }],
    [any, { type: 'Structure', value: [{ tag: 0x540001, type: 'Boolean', value: false }] }],
    [KeyFormatType, 'PKCS_1'],
    [KeyFormatType, 0x80000001],
    [KeyFormatType, 0x7fff],
    [CryptographicUsageMask, 12],
  ];
  for (const [schema, value] of scalars) {
    t.same(plan(schema, '1.4').read(new BinaryReader(encode(schema, '1.4', value))), value, schema.kind);
  }
  t.end();
});

t.test('fields are written in the order of the schema and read in any order', (t) => {
  const value = { Data: [bytes('01'), bytes('02')], BatchCount: 3, Username: 'a' };
  const order = [tagNumber('Username'), tagNumber('BatchCount'), tagNumber('Data'), tagNumber('Data')];
  t.same(fieldsOf(encode(sample, '1.0', value)), order);
  const shuffled = [
    item('Data', { type: 'ByteString', value: bytes('01') }),
    item('BatchCount', { type: 'Integer', value: 3 }),
    item('Username', { type: 'TextString', value: 'a' }),
    item('Data', { type: 'ByteString', value: bytes('02') }),
  ];
  t.same(read(sample, '1.0', shuffled), value);
  t.end();
});

t.test('a missing field is absent for maybe, empty for many and an error for one', (t) => {
  t.same(read(sample, '1.0', [item('Username', { type: 'TextString', value: 'a' })]), {
    Username: 'a',
    Data: [],
  });
  t.throws(() => read(sample, '1.0', []), {
    name: 'WireError',
    kind: 'field',
    message: /Username is missing/,
  });
  t.same(fieldsOf(encode(sample, '1.0', { Username: 'a', Data: [] })), [tagNumber('Username')]);
  t.end();
});

t.test('a structure refuses fields that it does not have', (t) => {
  const username = item('Username', { type: 'TextString', value: 'a' });
  const wrong: [name: string, kind: string, fields: Node[], message: RegExp][] = [
    ['twice', 'field', [username, username], /Username appears twice/],
    [
      'a standard tag of another structure',
      'unknown',
      [username, item('Nonce', { type: 'Structure', value: [] })],
      /Nonce is not expected/,
    ],
    [
      'a standard tag outside the dictionary',
      'unknown',
      [username, { tag: 0x42fffe, type: 'Boolean', value: true }],
      /0x42fffe is not expected/,
    ],
    [
      'another type',
      'field',
      [item('Username', { type: 'Integer', value: 1 })],
      /Username is Integer, must be TextString/,
    ],
  ];
  for (const [name, kind, fields, message] of wrong) {
    t.throws(() => read(sample, '1.4', fields), { name: 'WireError', kind, message }, name);
  }
  t.end();
});

t.test('a structure ignores extensions of vendors', (t) => {
  const fields: Node[] = [
    { tag: 0x540001, type: 'Structure', value: [{ tag: 0x420094, type: 'TextString', value: 'x' }] },
    item('Username', { type: 'TextString', value: 'a' }),
    { tag: 0x54ffff, type: 'ByteString', value: bytes('010203') },
  ];
  t.same(read(sample, '1.0', fields), { Username: 'a', Data: [] });
  t.end();
});

const versioned = struct({
  Username: one(text),
  Password: since('1.2', maybe(text)),
  Salt: since('2.0', one(byteString)),
  Issuer: until('1.4', maybe(text)),
  Nonce: since('1.1', until('1.3', many(text))),
});

t.test('a field with since and until is written in its versions and read in all', (t) => {
  const value = { Username: 'a', Password: 'b', Salt: bytes('01'), Issuer: 'c', Nonce: ['d'] };
  const expected: Record<Version, TagName[]> = {
    '1.0': ['Username', 'Issuer'],
    '1.1': ['Username', 'Issuer', 'Nonce'],
    '1.2': ['Username', 'Password', 'Issuer', 'Nonce'],
    '1.3': ['Username', 'Password', 'Issuer', 'Nonce'],
    '1.4': ['Username', 'Password', 'Issuer'],
    '2.0': ['Username', 'Password', 'Salt'],
    '2.1': ['Username', 'Password', 'Salt'],
  };
  for (const version of versions) {
    t.same(fieldsOf(encode(versioned, version, value)), expected[version].map(tagNumber), version);
    const fields: Node[] = [
      item('Username', { type: 'TextString', value: 'a' }),
      item('Password', { type: 'TextString', value: 'b' }),
      item('Salt', { type: 'ByteString', value: bytes('01') }),
      item('Issuer', { type: 'TextString', value: 'c' }),
      item('Nonce', { type: 'TextString', value: 'd' }),
    ];
    t.same(read(versioned, version, fields), value, `all of them read in ${version}`);
  }
  t.same(read(versioned, '1.4', [item('Username', { type: 'TextString', value: 'a' })]), {
    Username: 'a',
    Nonce: [],
  });
  t.throws(() => read(versioned, '2.0', [item('Username', { type: 'TextString', value: 'a' })]), {
    message: /Salt is missing/,
  });
  t.end();
});

t.test('a tagged field has another tag than its key', (t) => {
  const schema = struct({ Username: tagged('Nonce', one(text)) });
  t.same(fieldsOf(encode(schema, '1.0', { Username: 'a' })), [tagNumber('Nonce')]);
  t.same(read(schema, '1.0', [item('Nonce', { type: 'TextString', value: 'a' })]), { Username: 'a' });
  t.throws(() => plan(struct({ NoSuchTag: one(text) }), '1.0'), TypeError);
  t.end();
});

t.test('an era field has one form for each era', (t) => {
  const schema = struct({
    Username: era<string | undefined>({ '1.x': maybe(text), '2.x': tagged('Nonce', maybe(text)) }),
    Password: era<string | undefined>({ '1.x': null, '2.x': maybe(text) }),
  });
  const value = { Username: 'a', Password: 'b' };
  t.same(fieldsOf(encode(schema, '1.4', value)), [tagNumber('Username')]);
  t.same(fieldsOf(encode(schema, '2.0', value)), [tagNumber('Nonce'), tagNumber('Password')]);
  t.throws(() => read(schema, '1.4', [item('Password', { type: 'TextString', value: 'b' })]), /not expected/);
  t.end();
});

t.test('optional enumeration values newer than the version are left out', (t) => {
  const schema = struct({ KeyFormatType: maybe(KeyFormatType), HashingAlgorithm: many(HashingAlgorithm) });
  const value = { KeyFormatType: 'PKCS_12', HashingAlgorithm: ['SHA_256', 'SHA3_256', 0x80000001, 0x1234] };
  const hashing = tagNumber('HashingAlgorithm');
  t.same(fieldsOf(encode(schema, '1.0', value)), [hashing, hashing]);
  t.same(fieldsOf(encode(schema, '1.4', value)), [tagNumber('KeyFormatType'), hashing, hashing, hashing]);
  t.end();
});

t.test('enumeration values of a later version or outside the table are read', (t) => {
  const schema = struct({ KeyFormatType: one(KeyFormatType) });
  for (const [number, value] of [
    [0x16, 'PKCS_12'],
    [0x8000beef, 0x8000beef],
    [0xfff, 0xfff],
  ] as const) {
    t.same(read(schema, '1.0', [item('KeyFormatType', { type: 'Enumeration', value: number })]), {
      KeyFormatType: value,
    });
  }
  t.end();
});

t.test('an enumeration refuses to write a value that it does not have', (t) => {
  const Fruit = enumeration(
    'Fruit',
    [
      [1, 'Apple'],
      [2, 'Pear', '1.4', '2.0'],
    ],
    { Apfel: 'Apple' },
  );
  t.equal(Fruit.fromText('Apfel'), 'Apple');
  t.equal(Fruit.fromText('apple'), undefined);
  t.equal(Fruit.fromNumber(3), 3);
  t.throws(() => Fruit.toNumber('Plum' as 'Pear'), TypeError);
  t.same(
    versions.filter((version) => Fruit.isKnownIn('Pear', version)),
    ['1.4', '2.0'],
  );
  t.same(
    versions.filter((version) => Fruit.isIntroducedBy('Pear', version)),
    ['1.4', '2.0', '2.1'],
  );
  t.notOk(Fruit.isKnownIn(3, '2.1'));
  t.ok(Fruit.isKnownIn(0x80000000, '1.0'));
  t.end();
});

t.test('a mask names its bits, lowest first, and keeps bits without a name', (t) => {
  t.same(CryptographicUsageMask.split(0x0c), { names: ['Encrypt', 'Decrypt'], rest: 0 });
  t.same(CryptographicUsageMask.split(0x4000_0001 | 0), { names: ['Sign'], rest: 0x4000_0000 });
  t.same(CryptographicUsageMask.split(-0x8000_0000), { names: [], rest: -0x8000_0000 });
  t.equal(CryptographicUsageMask.bit('WrapKey'), 0x10);
  t.throws(() => CryptographicUsageMask.bit('Fly' as 'Sign'), TypeError);
  t.end();
});

t.test('a partial structure has no required fields', (t) => {
  const loose: Struct = partial(
    struct({ Username: one(text), Data: many(byteString), BatchCount: maybe(integer) }),
  );
  t.same(read(loose, '1.0', []), { Data: [] });
  t.end();
});

t.test('a plan is compiled once for each version', (t) => {
  t.equal(plan(sample, '1.4'), plan(sample, '1.4'));
  t.not(plan(sample, '1.4'), plan(sample, '2.0'));
  t.end();
});

import t from 'tap';
import type { TagName } from '../../../codec/tags.ts';
import * as lexical from '../../../codec/wire/lexical.ts';
import type { TypeName } from '../../../codec/wire/types.ts';
import { bytes } from './hex.ts';

/** Texts of each type and their values. */
const validTexts: Record<string, [text: string, value: unknown][]> = {
  Integer: [
    ['0', 0],
    ['-1', -1],
    ['+7', 7],
    ['2147483647', 2147483647],
    ['-2147483648', -2147483648],
    ['0x0c', 12],
    ['0xFFFFFFFF', -1],
    ['0x80000000', -2147483648],
    ['1 ', 1],
  ],
  LongInteger: [
    ['-9223372036854775808', -(2n ** 63n)],
    ['9223372036854775807', 2n ** 63n - 1n],
    ['+1', 1n],
    ['0xffffffffffffffff', -1n],
    ['0x0010000000000000', 2n ** 52n],
  ],
  ByteString: [
    ['', bytes('')],
    ['00fF', bytes('00ff')],
  ],
  BigInteger: [
    ['00', bytes('0000000000000000')],
    ['ff', bytes('ffffffffffffffff')],
    ['0x7F', bytes('000000000000007f')],
    ['0102030405060708', bytes('0102030405060708')],
    ['010203040506070809', bytes('00000000000000010203040506070809')],
  ],
  Boolean: [
    ['true', true],
    ['false', false],
    ['0x0000000000000001', true],
    ['0x0', false],
  ],
  Interval: [
    ['0', 0],
    ['4294967295', 4294967295],
    ['0xFFFFFFFF', 4294967295],
  ],
  DateTime: [
    ['2008-03-14T11:56:40+00:00', 1205495800],
    ['2008-03-14T11:56:40Z', 1205495800],
    ['2008-03-14T21:56:40+10:00', 1205495800],
    ['2008-03-14T08:26:40-03:30', 1205495800],
    ['2008-03-14T11:56:40.999+00:00', 1205495800],
    ['2008-03-14T11:56:40', 1205495800],
    ['1969-12-31T23:59:59.5Z', -1],
    ['0001-01-01T00:00:00Z', -62135596800],
    ['2024-02-29T00:00:00Z', 1709164800],
    ['0x0000000047DA67F8', 1205495800],
    ['0xffffffffffffffff', -1],
    ['0x7fffffffffffffff', Number.MAX_SAFE_INTEGER],
  ],
  DateTimeExtended: [
    ['2008-03-14T11:56:40.123456+00:00', 1205495800123456n],
    ['2008-03-14T11:56:40.1Z', 1205495800100000n],
    ['2008-03-14T11:56:40.1234567Z', 1205495800123456n],
    ['1969-12-31T23:59:59.999999Z', -1n],
    ['0xffffffffffffffff', -1n],
  ],
};

const invalidTexts: Record<string, string[]> = {
  Integer: [
    '',
    ' ',
    '1.5',
    '1e3',
    '2147483648',
    '-2147483649',
    '0x',
    '0x123456789',
    'AES',
    'NaN',
    'Infinity',
    '١',
  ],
  LongInteger: ['', '9223372036854775808', '-9223372036854775809', '0x', '0x11112222333344445', '1n', '1.0'],
  ByteString: ['0', '0g', '0x00', '00 00', '00\n'],
  BigInteger: ['f', '0xf', '-1', '1 2'],
  Boolean: ['', 'True', '1', '0x2', '0x10', 'yes'],
  Interval: ['-1', '4294967296', '', '1.5', '0x'],
  DateTime: [
    '',
    'now',
    '2008-03-14',
    '2008-13-14T11:56:40Z',
    '2008-00-14T11:56:40Z',
    '2008-03-00T11:56:40Z',
    '2023-02-29T00:00:00Z',
    '2008-03-14T24:00:00Z',
    '2008-03-14T11:60:00Z',
    '2008-03-14T11:56:60Z',
    '2008-03-14T11:56:40+15:00',
    '2008-03-14T11:56:40+01:60',
    '2008-03-14 11:56:40Z',
    '12008-03-14T11:56:40Z',
    '1205495800',
  ],
  DateTimeExtended: ['', '2008-03-14T11:56:40.Z', '1205495800123456'],
};

function parse(type: string, text: string, vocabularyTag?: TagName): unknown {
  return lexical.parseValue(type as Exclude<TypeName, 'Structure'>, text, vocabularyTag).value;
}

t.test('parseValue accepts every form that XML or JSON has', (t) => {
  for (const [type, cases] of Object.entries(validTexts)) {
    for (const [text, value] of cases) t.same(parse(type, text), value, `${type} ${text}`);
  }
  t.end();
});

t.test('parseValue refuses every other form without repeating the text', (t) => {
  for (const [type, cases] of Object.entries(invalidTexts)) {
    for (const text of cases) {
      try {
        parse(type, text);
        t.fail(`${type} ${text} must throw`);
      } catch (error) {
        t.match(error, { name: 'WireError', kind: 'field' }, `${type} ${JSON.stringify(text)}`);
        if (text.length > 6) t.notOk(String(error).includes(text));
      }
    }
  }
  t.end();
});

t.test('an Enumeration is parsed by name, alias and number, and formatted by name', (t) => {
  t.equal(parse('Enumeration', 'AES', 'CryptographicAlgorithm'), 3);
  t.equal(parse('Enumeration', '0x00000003', 'CryptographicAlgorithm'), 3);
  t.equal(parse('Enumeration', '0x80123456', 'OpaqueDataType'), 0x80123456);
  t.equal(parse('Enumeration', '0xFF', undefined), 255);
  t.equal(parse('Enumeration', 'NotAuthorized', 'ResultReason'), 0x39, 'a spelling of the test files');
  for (const [text, vocabularyTag] of [
    ['aes', 'CryptographicAlgorithm'],
    ['3', 'CryptographicAlgorithm'],
    ['', 'CryptographicAlgorithm'],
    ['0x', 'CryptographicAlgorithm'],
    ['0x123456789', 'CryptographicAlgorithm'],
    ['AES', 'State'],
    ['AES', 'BatchCount'],
    ['AES', undefined],
  ] as const) {
    t.throws(() => parse('Enumeration', text, vocabularyTag), { name: 'WireError', message: /enumeration/ });
  }
  t.equal(lexical.formatEnumeration(3, 'CryptographicAlgorithm'), 'AES');
  t.equal(lexical.formatEnumeration(0x80000001, 'OpaqueDataType'), '0x80000001');
  t.equal(lexical.formatEnumeration(3, undefined), '0x00000003');
  t.end();
});

t.test('a mask is parsed from names, hex words and a number, and formatted by names', (t) => {
  for (const [text, value] of [
    ['Encrypt Decrypt', 12],
    ['Decrypt|Encrypt', 12],
    ['Encrypt   Decrypt', 12],
    ['Encrypt | 0x00000008', 12],
    ['0x0000000c', 12],
    ['12', 12],
    ['0', 0],
    ['', 0],
    ['Sign 0x80000000', -0x7fffffff],
    ['Encrypt Encrypt', 4],
  ] as const) {
    t.equal(parse('Integer', text, 'CryptographicUsageMask'), value, text);
  }
  for (const text of ['Fly', 'Encrypt Fly', 'encrypt', 'Encrypt,Decrypt', '4 8', '0x']) {
    t.throws(() => parse('Integer', text, 'CryptographicUsageMask'), { name: 'WireError' }, text);
  }
  t.throws(
    () => parse('Integer', 'Encrypt', 'BatchCount'),
    { name: 'WireError' },
    'names for a plain number',
  );
  t.throws(() => parse('Integer', '', 'BatchCount'), { name: 'WireError' }, 'nothing for a plain number');
  t.equal(lexical.formatMask(12, 'CryptographicUsageMask', ' '), 'Encrypt Decrypt');
  t.equal(lexical.formatMask(0x40000004, 'CryptographicUsageMask', '|'), 'Encrypt|0x40000000');
  t.equal(lexical.formatMask(-0x80000000, 'CryptographicUsageMask', '|'), '0x80000000');
  t.equal(lexical.formatMask(0, 'CryptographicUsageMask', ' '), undefined, 'written as the number 0');
  t.equal(lexical.formatMask(12, 'BatchCount', ' '), undefined);
  t.end();
});

t.test('parseTag accepts names and numbers of standard and extension tags', (t) => {
  t.equal(lexical.parseTag('UniqueIdentifier'), 0x420094);
  t.equal(lexical.parseTag('0x420094'), 0x420094);
  t.equal(lexical.parseTag('0x54FFff'), 0x54ffff);
  for (const text of [
    '',
    'uniqueIdentifier',
    '0x430001',
    '0x4200',
    '0x42009400',
    '420094',
    '__proto__',
    'TTLV',
  ]) {
    t.equal(lexical.parseTag(text), undefined, text);
  }
  t.end();
});

t.test('a date is formatted in UTC, and in hex when its year has not four digits', (t) => {
  t.equal(lexical.formatDate(1205495800), '2008-03-14T11:56:40+00:00');
  t.equal(lexical.formatDate(-1), '1969-12-31T23:59:59+00:00');
  t.equal(lexical.formatDate(253402300799), '9999-12-31T23:59:59+00:00');
  t.equal(lexical.formatDate(253402300800), '0x0000003afff44180');
  t.equal(lexical.formatDate(-62135596801), '0xfffffff1886e08ff');
  t.equal(lexical.formatDateExtended(1205495800000001n), '2008-03-14T11:56:40.000001+00:00');
  t.equal(lexical.formatDateExtended(-1n), '1969-12-31T23:59:59.999999+00:00');
  t.equal(lexical.formatDateExtended(2n ** 62n), '0x4000000000000000');
  for (const micros of [
    0n,
    -1n,
    1n,
    253402300799999999n,
    253402300800000000n,
    -62135596800000000n,
    -62135596800000001n,
  ]) {
    t.equal(parse('DateTimeExtended', lexical.formatDateExtended(micros)), micros, String(micros));
  }
  t.end();
});

t.test('parseValue takes linear time for any text', (t) => {
  const long = 200_000;
  for (const text of [
    ' '.repeat(long),
    '0'.repeat(long),
    `${' '.repeat(long)}x`,
    `0x${'0'.repeat(long)}2`,
    '|'.repeat(long),
  ]) {
    const start = process.hrtime.bigint();
    for (const read of [
      ...Object.keys(validTexts).map((type) => (each: string) => parse(type, each)),
      (each: string) => parse('Integer', each, 'CryptographicUsageMask'),
    ]) {
      try {
        read(text);
      } catch (error) {
        t.match(error, { name: 'WireError' });
      }
    }
    t.ok(process.hrtime.bigint() - start < 1_000_000_000n, 'done within a second');
  }
  t.end();
});

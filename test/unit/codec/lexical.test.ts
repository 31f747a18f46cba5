import t from 'tap';
import * as lexical from '../../../codec/wire/lexical.ts';
import { bytes } from './hex.ts';

/** What a reader accepts and what it makes of it. */
const accepted: Record<string, [text: string, value: unknown][]> = {
  parseInteger: [
    ['0', 0],
    ['-1', -1],
    ['+7', 7],
    ['2147483647', 2147483647],
    ['-2147483648', -2147483648],
    ['0x0c', 12],
    ['0xFFFFFFFF', -1],
    ['0x80000000', -2147483648],
  ],
  parseLong: [
    ['-9223372036854775808', -(2n ** 63n)],
    ['9223372036854775807', 2n ** 63n - 1n],
    ['+1', 1n],
    ['0xffffffffffffffff', -1n],
    ['0x0010000000000000', 2n ** 52n],
  ],
  parseBytes: [
    ['', bytes('')],
    ['00fF', bytes('00ff')],
  ],
  parseBigInteger: [
    ['00', bytes('0000000000000000')],
    ['ff', bytes('ffffffffffffffff')],
    ['0x7F', bytes('000000000000007f')],
    ['0102030405060708', bytes('0102030405060708')],
    ['010203040506070809', bytes('00000000000000010203040506070809')],
  ],
  parseBoolean: [
    ['true', true],
    ['false', false],
    ['0x0000000000000001', true],
    ['0x0', false],
  ],
  parseInterval: [
    ['0', 0],
    ['4294967295', 4294967295],
    ['0xFFFFFFFF', 4294967295],
  ],
  parseDate: [
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
  parseDateExtended: [
    ['2008-03-14T11:56:40.123456+00:00', 1205495800123456n],
    ['2008-03-14T11:56:40.1Z', 1205495800100000n],
    ['2008-03-14T11:56:40.1234567Z', 1205495800123456n],
    ['1969-12-31T23:59:59.999999Z', -1n],
    ['0xffffffffffffffff', -1n],
  ],
};

const refused: Record<string, string[]> = {
  parseInteger: [
    '',
    ' ',
    '1 ',
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
  parseLong: ['', '9223372036854775808', '-9223372036854775809', '0x', '0x11112222333344445', '1n', '1.0'],
  parseBytes: ['0', '0g', '0x00', '00 00', '00\n'],
  parseBigInteger: ['f', '0xf', '-1', '1 2'],
  parseBoolean: ['', 'True', '1', '0x2', '0x10', 'yes'],
  parseInterval: ['-1', '4294967296', '', '1.5', '0x'],
  parseDate: [
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
  parseDateExtended: ['', '2008-03-14T11:56:40.Z', '1205495800123456'],
};

const readers: Record<string, (text: string) => unknown> = {
  parseInteger: lexical.parseInteger,
  parseLong: lexical.parseLong,
  parseBytes: lexical.parseBytes,
  parseBigInteger: lexical.parseBigInteger,
  parseBoolean: lexical.parseBoolean,
  parseInterval: lexical.parseInterval,
  parseDate: lexical.parseDate,
  parseDateExtended: lexical.parseDateExtended,
};

t.test('every form that XML or JSON has', (t) => {
  for (const [name, cases] of Object.entries(accepted)) {
    for (const [text, value] of cases) t.same(readers[name]?.(text), value, `${name} ${text}`);
  }
  t.end();
});

t.test('every other form is refused without repeating it', (t) => {
  for (const [name, cases] of Object.entries(refused)) {
    for (const text of cases) {
      try {
        readers[name]?.(text);
        t.fail(`${name} ${text} must throw`);
      } catch (error) {
        t.match(error, { name: 'WireError', kind: 'field' }, `${name} ${JSON.stringify(text)}`);
        if (text.length > 6) t.notOk(String(error).includes(text));
      }
    }
  }
  t.end();
});

t.test('enumerations by name, alias and number', (t) => {
  t.equal(lexical.parseEnumeration('AES', 'CryptographicAlgorithm'), 3);
  t.equal(lexical.parseEnumeration('0x00000003', 'CryptographicAlgorithm'), 3);
  t.equal(lexical.parseEnumeration('0x80123456', 'OpaqueDataType'), 0x80123456);
  t.equal(lexical.parseEnumeration('0xFF', undefined), 255);
  t.equal(lexical.parseEnumeration('NotAuthorized', 'ResultReason'), 0x39, 'a spelling of the test files');
  for (const [text, subject] of [
    ['aes', 'CryptographicAlgorithm'],
    ['3', 'CryptographicAlgorithm'],
    ['', 'CryptographicAlgorithm'],
    ['0x', 'CryptographicAlgorithm'],
    ['0x123456789', 'CryptographicAlgorithm'],
    ['AES', 'State'],
    ['AES', 'BatchCount'],
    ['AES', undefined],
  ] as const) {
    t.throws(() => lexical.parseEnumeration(text, subject), { name: 'WireError', message: /enumeration/ });
  }
  t.equal(lexical.formatEnumeration(3, 'CryptographicAlgorithm'), 'AES');
  t.equal(lexical.formatEnumeration(0x80000001, 'OpaqueDataType'), '0x80000001');
  t.equal(lexical.formatEnumeration(3, undefined), '0x00000003');
  t.end();
});

t.test('masks by names, hex words and number', (t) => {
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
    t.equal(lexical.parseMask(text, 'CryptographicUsageMask'), value, text);
  }
  for (const text of ['Fly', 'Encrypt Fly', 'encrypt', 'Encrypt,Decrypt', '4 8', '0x']) {
    t.throws(() => lexical.parseMask(text, 'CryptographicUsageMask'), { name: 'WireError' }, text);
  }
  t.throws(
    () => lexical.parseMask('Encrypt', 'BatchCount'),
    { name: 'WireError' },
    'names for a plain number',
  );
  t.throws(() => lexical.parseMask('', 'BatchCount'), { name: 'WireError' }, 'nothing for a plain number');
  t.equal(lexical.formatMask(12, 'CryptographicUsageMask', ' '), 'Encrypt Decrypt');
  t.equal(lexical.formatMask(0x40000004, 'CryptographicUsageMask', '|'), 'Encrypt|0x40000000');
  t.equal(lexical.formatMask(-0x80000000, 'CryptographicUsageMask', '|'), '0x80000000');
  t.equal(lexical.formatMask(0, 'CryptographicUsageMask', ' '), undefined, 'written as the number 0');
  t.equal(lexical.formatMask(12, 'BatchCount', ' '), undefined);
  t.end();
});

t.test('tags by name and by number', (t) => {
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

t.test('dates are written in UTC, those without a four-digit year in hex', (t) => {
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
    t.equal(lexical.parseDateExtended(lexical.formatDateExtended(micros)), micros, String(micros));
  }
  t.end();
});

t.test('no text takes more than linear time', (t) => {
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
      ...Object.values(readers),
      (each: string) => lexical.parseMask(each, 'CryptographicUsageMask'),
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

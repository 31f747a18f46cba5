import t from 'tap';
import {
  decodeMechanismPage,
  decodeResidentBytes,
  decodeTokenDescription,
  decodeTokenKey,
} from '../../../src/token/answers.ts';
import {
  encodeJson,
  type MechanismDescription,
  type TokenDescription,
  type TokenKeyDescription,
} from '../../../src/token/messages.ts';

/** What the process of a token says is not believed: a vendor's library may have written over its memory. */

const token: TokenDescription = {
  module: 'library',
  moduleManufacturer: 'vendor',
  moduleVersion: '1.2',
  cryptokiVersion: '2.40',
  slotId: 2 ** 47,
  label: 'kmipd',
  manufacturer: 'vendor',
  model: 'model',
  serial: '00ff',
  hardwareVersion: '1.0',
  firmwareVersion: '1.0',
  flags: 0x40d,
  areCoreDumpsEmpty: true,
};

const key: TokenKeyDescription = {
  id: '0123456789abcdef',
  algorithm: 'AES-256',
  label: 'root',
  ckaId: 'aa55',
  format: 3,
  way: 'wrap',
  isExtractable: false,
  isSensitive: true,
  wasNeverExtractable: null,
  isMadeInToken: null,
  isTrial: false,
};

const mechanism: MechanismDescription = {
  name: 'CKM_AES_KEY_WRAP',
  mechanism: 0x2109,
  flags: 0x60000,
  minKeySize: 16,
  maxKeySize: 2 ** 64,
};

const impossible = { name: 'TokenFailure', kind: 'token', message: /in an impossible way$/ };

t.test('a token and a key arrive as they were sent, without fields that nobody knows', async (t) => {
  t.same(decodeTokenDescription(encodeJson({ ...token, more: 'x' })), token);
  t.same(decodeTokenKey(encodeJson({ ...key, more: 'x' })), key);
});

t.test('a field that is absent or of another type is refused', async (t) => {
  for (const name of Object.keys(token))
    for (const value of [undefined, null, [], {}, -1, 1.5])
      t.throws(() => decodeTokenDescription(encodeJson({ ...token, [name]: value })), impossible, name);
  for (const name of Object.keys(key))
    for (const value of [undefined, [], {}, -1])
      t.throws(() => decodeTokenKey(encodeJson({ ...key, [name]: value })), impossible, name);
  for (const [name, value] of [
    ['id', '0123456789ABCDEF'],
    ['id', '../../../etc/pass'],
    ['format', 9],
    ['way', 'steal'],
    ['isTrial', null],
  ] as const)
    t.throws(() => decodeTokenKey(encodeJson({ ...key, [name]: value })), impossible, `${name} ${value}`);
});

t.test('what is no JSON object is refused', async (t) => {
  for (const text of ['', 'null', '[]', '"text"', '{', '\xff'])
    for (const decode of [
      decodeTokenDescription,
      decodeTokenKey,
      decodeResidentBytes,
      (body: Uint8Array) => decodeMechanismPage(body, 0),
    ])
      t.throws(() => decode(new TextEncoder().encode(text)), impossible, text);
});

t.test('a text is one line of bounded length that a terminal shows as it is', async (t) => {
  const hostile = `a\x1b]0;owned\x07b\r\nc\x9b31m\u202ed\u2028e${'x'.repeat(3_000)}`;
  const { label } = decodeTokenDescription(encodeJson({ ...token, label: hostile }));
  t.match(label, /^a \]0;owned b c 31m d ex+$/);
  t.ok(label.length <= 600);
  t.equal(decodeTokenKey(encodeJson({ ...key, label: '\x1bc' })).label, ' c');
  const page = { total: 1, mechanisms: [{ ...mechanism, name: 'CKM\x1b[A' }] };
  t.equal(decodeMechanismPage(encodeJson(page), 0).mechanisms[0]?.name, 'CKM [A');
  t.equal(decodeTokenDescription(encodeJson({ ...token, label: 'Zürich 鍵' })).label, 'Zürich 鍵');
});

t.test('pages of mechanisms end', async (t) => {
  const pageOf = (total: unknown, count: number) =>
    encodeJson({ total, mechanisms: Array(count).fill(mechanism) });
  t.same(decodeMechanismPage(pageOf(2, 2), 0).mechanisms, [mechanism, mechanism]);
  t.equal(decodeMechanismPage(pageOf(5, 2), 3).mechanisms.length, 2);
  t.equal(decodeMechanismPage(pageOf(0, 0), 0).total, 0);
  for (const [what, page, from] of [
    ['an empty one before the end', pageOf(2, 0), 1],
    ['more than there are', pageOf(2, 2), 1],
    ['a list without end', pageOf(5_000, 2), 0],
    ['no number', pageOf('2', 2), 0],
    ['no list', encodeJson({ total: 1, mechanisms: { length: 1 } }), 0],
    ['an entry that is none', encodeJson({ total: 1, mechanisms: [null] }), 0],
    ['a name that is none', encodeJson({ total: 1, mechanisms: [{ ...mechanism, name: 1 }] }), 0],
  ] as const)
    t.throws(() => decodeMechanismPage(page, from), impossible, what);
});

t.test('the memory of the process is a number', async (t) => {
  t.equal(decodeResidentBytes(encodeJson({ residentBytes: 5 })), 5);
  for (const residentBytes of ['5', null, -1])
    t.throws(() => decodeResidentBytes(encodeJson({ residentBytes })), impossible);
});

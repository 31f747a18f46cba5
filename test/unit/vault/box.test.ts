import t from 'tap';
import { deriveBoxKeys, openBox, readEpoch, sealBox } from '../../../src/vault/box.ts';
import type {
  LaneContext,
  ObjectBoxContext,
  RecordContext,
  SealContext,
  ValueContext,
} from '../../../src/vault/vault.ts';

const salt = new Uint8Array(16);
const secret = Uint8Array.from({ length: 32 }, (_, at) => at);
const keys = deriveBoxKeys(secret, salt);
const plain = Uint8Array.from({ length: 40 }, (_, at) => 200 - at);

const value: ValueContext = { kind: 'value', id: 'ab', group: 'cd', objectType: 'ef' };
const record: RecordContext = {
  kind: 'record',
  recordKind: 'ab',
  key: 'cd',
  group: 'ef',
  version: 3,
  expires: null,
};

const binding = Uint8Array.from({ length: 28 }, (_, at) => at);
const object: ObjectBoxContext = { ...value, kind: 'object', version: 3, valueBinding: null };
const lane: LaneContext = { kind: 'lane', name: 'ab', seq: 3, era: 5 };

/** Contexts that differ from the first one in one place, or share all its bytes in other places. */
const others: readonly (readonly [SealContext, ...SealContext[]])[] = [
  [
    value,
    { ...value, id: 'aB' },
    { ...value, group: 'cD' },
    { ...value, objectType: 'eF' },
    { ...value, id: 'abc', group: 'd' },
    { ...value, id: '', group: 'abcd' },
    { ...value, group: 'cdef', objectType: '' },
    { ...value, id: 'cd', group: 'ab' },
    record,
  ],
  [
    record,
    { ...record, recordKind: 'aB' },
    { ...record, recordKind: 'a', key: 'bcd' },
    { ...record, key: 'ce' },
    { ...record, group: 'eg' },
    { ...record, version: 2 },
    { ...record, version: 2 ** 40 },
    { ...record, expires: 0 },
    { ...record, expires: 1_800_000_000 },
    { ...record, version: 0, expires: 3 },
    value,
  ],
  [
    object,
    { ...object, id: 'aB' },
    { ...object, group: 'cD' },
    { ...object, objectType: 'eF' },
    { ...object, id: 'abc', group: 'd' },
    { ...object, version: 4 },
    { ...object, valueBinding: binding },
    value,
    record,
  ],
  [
    { ...object, valueBinding: binding },
    { ...object, valueBinding: binding.with(0, 1) },
    { ...object, valueBinding: binding.with(27, 1) },
    object,
  ],
  [lane, { ...lane, name: 'aB' }, { ...lane, seq: 4 }, { ...lane, era: 6 }, { ...lane, seq: 5, era: 3 }],
  [
    { ...record, expires: 1_800_000_000 },
    { ...record, expires: 1_800_000_001 },
    { ...record, expires: null },
  ],
];

t.test('a box opens in its row only', (t) => {
  for (const [own, ...rest] of others) {
    const sealed = sealBox(keys, 7, own, plain);
    t.strictSame(openBox(keys, own, sealed), plain);
    for (const other of rest) t.equal(openBox(keys, other, sealed), undefined, JSON.stringify(other));
  }
  t.end();
});

t.test('a box opens unchanged only', (t) => {
  for (const [own] of others) {
    const sealed = sealBox(keys, 7, own, plain);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = sealed.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const id = readEpoch(changed);
      const found = id === 7 ? keys : deriveBoxKeys(secret.with(0, id ?? 0), salt);
      if (openBox(found, own, changed) !== undefined) t.fail(`bit ${bit}`);
    }
    for (let length = 0; length < sealed.length; length += 1)
      t.equal(openBox(keys, own, sealed.slice(0, length)), undefined);
    t.equal(openBox(keys, own, Uint8Array.of(...sealed, 0)), undefined);
  }
  t.end();
});

t.test('another secret, another database and a key of another kind open nothing', (t) => {
  const sealed = sealBox(keys, 7, value, plain);
  t.equal(readEpoch(sealed), 7);
  t.equal(openBox(deriveBoxKeys(secret.with(31, 0), salt), value, sealed), undefined);
  t.equal(openBox(deriveBoxKeys(secret, salt.with(0, 1)), value, sealed), undefined);
  t.equal(openBox({ ...keys, value: keys.record }, value, sealed), undefined);
  t.equal(new Set(Object.values(keys).map((key) => key.toHex())).size, 7, 'one key for each purpose');
  t.end();
});

t.test('a random source that repeats repeats no nonce for other contents', (t) => {
  const nonceOf = (context: SealContext, content: Uint8Array) =>
    sealBox(keys, 7, context, content, (buffer) => void buffer.fill(5))
      .slice(6, 18)
      .toHex();
  const contents = [plain, plain.with(0, 0), plain.slice(1), new Uint8Array(0), new Uint8Array(40)];
  const all = others
    .flat()
    .flatMap((context) =>
      contents.map((content) => [JSON.stringify([context, [...content]]), context, content] as const),
    );
  const distinct = new Map(all.map(([name, ...rest]) => [name, rest] as const));
  const nonces = [...distinct.values()].map(([context, content]) => nonceOf(context, content));
  t.equal(new Set(nonces).size, distinct.size);
  t.equal(nonceOf(value, plain), nonceOf(value, plain), 'equal contents give equal boxes');
  t.not(sealBox(keys, 7, value, plain).toHex(), sealBox(keys, 7, value, plain).toHex(), 'random otherwise');
  t.end();
});

t.test('the length of Secret Data and Opaque Objects is hidden', (t) => {
  const lengths = (objectType: string) =>
    [0, 1, 8, 63, 64, 65, 127, 128].map((length) => {
      for (const last of [0, 0x80, 0xff]) {
        const content = new Uint8Array(length).fill(last);
        const context = { ...value, objectType };
        const sealed = sealBox(keys, 1, context, content);
        t.strictSame(openBox(keys, context, sealed), content, `${objectType}, ${length} bytes of ${last}`);
      }
      return sealBox(keys, 1, { ...value, objectType }, new Uint8Array(length)).length - 34;
    });
  for (const objectType of ['SecretData', 'OpaqueObject'])
    t.strictSame(lengths(objectType), [64, 64, 64, 64, 128, 128, 128, 192]);
  t.strictSame(lengths('SymmetricKey'), [0, 1, 8, 63, 64, 65, 127, 128]);
  t.end();
});

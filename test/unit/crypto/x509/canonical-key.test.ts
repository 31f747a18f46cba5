import { createECDH, generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { toBigInt, toBytes } from '../../../../src/crypto/asn1/big-integers.ts';
import {
  type DerNode,
  encodeDer,
  makeBits,
  makeInteger,
  makeNull,
  makeOctets,
  makeOid,
  makeSequence,
  makeVersion,
  parseDer,
} from '../../../../src/crypto/asn1/der.ts';
import { byteKeyTypes } from '../../../../src/crypto/keys/byte-keys.ts';
import { type Curve, curves } from '../../../../src/crypto/keys/curves.ts';
import { readSpki, writeRsaPublicKey } from '../../../../src/crypto/keys/der-keys.ts';
import { convertPoint } from '../../../../src/crypto/keys/elliptic.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';

/** Every encoding of a public key that the server or OpenSSL reads has one canonical form. */

const { canonicalKey } = nodeCrypto.certification;

const spki = (algorithm: readonly DerNode[], key: Uint8Array) =>
  encodeDer(makeSequence(makeSequence(...algorithm), makeBits(key)));
const parameters = (hex: string) => parseDer(Uint8Array.fromHex(hex));
const add = (magnitude: Uint8Array, modulus: Uint8Array) =>
  encodeDer(makeInteger(toBytes(toBigInt(magnitude) + toBigInt(modulus))));

/** Encodings of one key by description. */
interface Encodings {
  readonly [what: string]: Uint8Array;
}

function encodeRsa(): Encodings {
  const { n, e } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  const key = writeRsaPublicKey({
    n: Uint8Array.fromBase64(n as string, { alphabet: 'base64url' }),
    e: Uint8Array.fromBase64(e as string, { alphabet: 'base64url' }),
  });
  const ids = { rsaEncryption: '1.2.840.113549.1.1.1', RSASSA: '1.2.840.113549.1.1.10', x500: '2.5.8.1.1' };
  return Object.fromEntries(
    Object.entries(ids).flatMap(([name, oid]) => [
      [`${name} with NULL`, spki([makeOid(oid), makeNull()], key)],
      [`${name} without parameters`, spki([makeOid(oid)], key)],
      [`${name} with a SEQUENCE`, spki([makeOid(oid), makeSequence()], key)],
      [`${name} of SHA-256`, spki([makeOid(oid), parameters('300fa00d300b0609608648016503040201')], key)],
    ]),
  );
}

function encodeCurve(curve: Curve): Encodings {
  const point = new Uint8Array(createECDH(curve.openssl).generateKeys());
  const ids = { ec: '1.2.840.10045.2.1', ecDh: '1.3.132.1.12', ecMqv: '1.3.132.1.13' };
  const forms = ['uncompressed', 'compressed', 'hybrid'] as const;
  return Object.fromEntries(
    forms.flatMap((form) => {
      const bytes = convertPoint(curve, point, form);
      const stated = Object.entries({ name: curve.oid, ...aliases(curve) });
      const named = stated.map(([name, oid]) => [`${form} by ${name}`, 'ec', makeOid(oid)] as const);
      const others = ['ecDh', 'ecMqv'] as const;
      const all: (readonly [string, keyof typeof ids, DerNode])[] = [
        ...named,
        ...others.map((id) => [`${form} for ${id}`, id, makeOid(curve.oid)] as const),
      ];
      if (curve.name === 'P_256') all.push([`${form} with parameters`, 'ec', explicitP256()]);
      return all.map(([what, id, node]) => [what, spki([makeOid(ids[id]), node], bytes)]);
    }),
  );
}

/** Other names of a curve (WAP-261 §A), by their last number under 2.23.43.1.4. */
const wireless: Partial<Record<string, number>> = {
  sect163k1: 3,
  sect113r1: 4,
  c2pnb163v1: 5,
  secp112r1: 6,
  secp160r2: 7,
  sect233k1: 10,
  sect233r1: 11,
  secp224r1: 12,
};

function aliases({ openssl }: Curve): Record<string, string> {
  const number = wireless[openssl];
  return number === undefined ? {} : { [`wtls${number}`]: `2.23.43.1.4.${number}` };
}

/** ECParameters of P-256 (SEC 1 §C.2, SEC 2 §2.4.2). */
function explicitP256(): DerNode {
  const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(' ', ''));
  const p = hex('ffffffff00000001000000000000000000000000ffffffffffffffffffffffff');
  return makeSequence(
    makeVersion(1),
    makeSequence(makeOid('1.2.840.10045.1.1'), makeInteger(p)),
    makeSequence(
      makeOctets(hex('ffffffff00000001000000000000000000000000fffffffffffffffffffffffc')),
      makeOctets(hex('5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b')),
    ),
    makeOctets(
      hex(
        '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296' +
          '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
      ),
    ),
    makeInteger(hex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')),
    makeVersion(1),
  );
}

function encodeDsa(): Encodings {
  const made = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).publicKey;
  const key = readSpki(new Uint8Array(made.export({ type: 'spki', format: 'der' })));
  if (key.kind !== 'dsaPublic') throw new Error('no DSA key');
  const domain = makeSequence(makeInteger(key.p), makeInteger(key.q), makeInteger(key.g));
  const y = encodeDer(makeInteger(key.y));
  return {
    dsa: spki([makeOid('1.2.840.10040.4.1'), domain], y),
    'dsa of OIW': spki([makeOid('1.3.14.3.2.12'), domain], y),
    'a number above the prime': spki([makeOid('1.2.840.10040.4.1'), domain], add(key.y, key.p)),
  };
}

function encodeDh(): Encodings {
  const [p, g, q, y] = [[0xff, 0xff, 0xfb], [2], [0x7f, 0xff], [0x12, 0x34]].map((bytes) =>
    Uint8Array.from(bytes),
  ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const pkcs3 = '1.2.840.113549.1.3.1';
  const x942 = '1.2.840.10046.2.1';
  const integers = (...numbers: Uint8Array[]) => makeSequence(...numbers.map(makeInteger));
  const encoded = encodeDer(makeInteger(y));
  return {
    'PKCS#3': spki([makeOid(pkcs3), integers(p, g)], encoded),
    'PKCS#3 with a length': spki([makeOid(pkcs3), integers(p, g, q)], encoded),
    'X9.42': spki([makeOid(x942), integers(p, g, q)], encoded),
    'X9.42 with a factor': spki([makeOid(x942), integers(p, g, q, g)], encoded),
    'a number above the prime': spki([makeOid(pkcs3), integers(p, g)], add(y, p)),
  };
}

/** X25519 and X448: coordinates above the prime of the field, 2^255 - 19 and 2^448 - 2^224 - 1. */
const coordinates: Partial<Record<string, readonly Uint8Array[]>> = {
  CURVE25519: [
    Uint8Array.from([9, ...Array(31).fill(0)]),
    Uint8Array.from([9, ...Array(30).fill(0), 0x80]),
    Uint8Array.from([0xf6, ...Array(30).fill(0xff), 0x7f]),
    Uint8Array.from([0xf6, ...Array(31).fill(0xff)]),
  ],
  CURVE448: [
    Uint8Array.from([5, ...Array(55).fill(0)]),
    Uint8Array.from([4, ...Array(27).fill(0), ...Array(28).fill(0xff)]),
  ],
};

const encodings: Readonly<Record<string, () => Encodings>> = {
  RSA: encodeRsa,
  DSA: encodeDsa,
  DH: encodeDh,
  ...Object.fromEntries(curves.map((curve) => [curve.name, () => encodeCurve(curve)])),
  ...Object.fromEntries(
    byteKeyTypes.map(({ oid, algorithm, name = algorithm, publicBytes }) => [
      `${name} ${oid}`,
      () => {
        const keys = coordinates[name] ?? [new Uint8Array(publicBytes).fill(7)];
        const all = keys.flatMap((key, at) => [
          [`${at} without parameters`, spki([makeOid(oid)], key)],
          [`${at} with NULL`, spki([makeOid(oid), makeNull()], key)],
        ]);
        return Object.fromEntries(all) as Encodings;
      },
    ]),
  ),
};

const seen = new Map<string, string>();
for (const [kind, encode] of Object.entries(encodings))
  t.test(`every encoding of a ${kind} key has one form`, async (t) => {
    const [first, ...others] = Object.entries(encode());
    const canonical = canonicalKey(first?.[1] as Uint8Array).toHex();
    t.ok(others.length > 0, 'there are several');
    for (const [what, encoded] of others) t.equal(canonicalKey(encoded).toHex(), canonical, what);
    t.equal(seen.get(canonical), undefined, 'no other key has it');
    seen.set(canonical, kind);
    t.equal(canonicalKey(Uint8Array.fromHex(canonical)).toHex(), canonical, 'it stays as it is');
  });

t.test('encodings of which records exist keep their form', async (t) => {
  for (const { publicKey } of [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    generateKeyPairSync('ed25519'),
  ]) {
    const der = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
    t.same(canonicalKey(der), der);
  }
});

t.test('a key that cannot be read stays as it is', async (t) => {
  for (const der of [Uint8Array.of(5, 0), spki([makeOid('1.2.3.4')], Uint8Array.of(1)), new Uint8Array(0)])
    t.equal(canonicalKey(der), der);
});

t.test('numbers too long for any group stay as they are', async (t) => {
  const long = makeInteger(new Uint8Array(40_000).fill(0x77));
  const short = makeInteger(Uint8Array.of(7));
  for (const [oid, prime, number] of [
    ['1.2.840.10040.4.1', long, long],
    ['1.2.840.10040.4.1', short, long],
    ['1.2.840.113549.1.3.1', long, long],
  ] as const) {
    const domain = makeSequence(prime, short, ...(oid.endsWith('4.1') ? [short] : []));
    const der = spki([makeOid(oid), domain], encodeDer(number));
    t.same(canonicalKey(der), der, oid);
  }
});

t.test('keys of other numbers are other keys', async (t) => {
  const [one, other] = [encodeRsa(), encodeRsa()].map((keys) => Object.values(keys)[0] as Uint8Array);
  t.not(canonicalKey(one as Uint8Array).toHex(), canonicalKey(other as Uint8Array).toHex());
});

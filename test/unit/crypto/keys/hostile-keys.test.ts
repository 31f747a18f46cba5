import t from 'tap';
import type { KeyFormatType } from '../../../../codec/enums.ts';
import type { TransparentKeyMaterial } from '../../../../codec/structures/key-block.ts';
import {
  InvalidCertificateError,
  InvalidKeyMaterialError,
  UnsupportedKeyFormatError,
} from '../../../../src/crypto/errors.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';
import * as vectors from '../node/vectors.ts';

/**
 * Bytes from a client must end in a description, a conversion or a refusal of ours, never in another error.
 */

const { describeKey, convertKey, describeCertificate } = nodeCrypto;

const material: [PlainKey['objectType'], KeyFormatType, KeyFormatType, Uint8Array][] = [
  ['PrivateKey', 'PKCS_8', 'TransparentRSAPrivateKey', vectors.rsa1024Pkcs8],
  ['PrivateKey', 'PKCS_1', 'PKCS_8', vectors.rsa2048PrivatePkcs1],
  ['PublicKey', 'PKCS_1', 'X_509', vectors.rsa2048PublicPkcs1],
  ['PublicKey', 'X_509', 'PKCS_1', vectors.rsa2048Spki],
  ['PrivateKey', 'ECPrivateKey', 'PKCS_8', vectors.secp256k1Sec1],
  ['PublicKey', 'X_509', 'TransparentECPublicKey', vectors.secp256k1Spki],
  ['PrivateKey', 'PKCS_8', 'PKCS_1', vectors.encryptedPkcs8],
];

/** A generator with a seed, so that a failure can be played again (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

function* mutations(bytes: Uint8Array, seed: number): Generator<Uint8Array> {
  const random = seeded(seed);
  for (let length = 0; length < bytes.length; length += Math.ceil(bytes.length / 100))
    yield bytes.slice(0, length);
  for (let round = 0; round < 400; round += 1) {
    const mutated = Uint8Array.from(bytes);
    const changes = 1 + Math.floor(random() * 3);
    for (let change = 0; change < changes; change += 1) {
      // Headers stand in front: half of the changes go there.
      const reach = random() < 0.5 ? Math.min(40, bytes.length) : bytes.length;
      mutated[Math.floor(random() * reach)] = Math.floor(random() * 256);
    }
    yield mutated;
  }
}

function refusedByUs(run: () => void): string | undefined {
  try {
    run();
  } catch (error) {
    const ours = [InvalidKeyMaterialError, UnsupportedKeyFormatError, InvalidCertificateError].some(
      (kind) => error instanceof kind,
    );
    if (!ours) return String((error as Error).stack);
  }
  return undefined;
}

t.test('mutated and truncated keys lead to the errors of the port only', async (t) => {
  for (const [objectType, format, to, origin] of material) {
    const strange: string[] = [];
    for (const KeyMaterial of mutations(origin, 7)) {
      const key: PlainKey = { objectType, KeyFormatType: format, KeyMaterial };
      for (const run of [() => describeKey(key), () => convertKey(key, to)]) {
        const problem = refusedByUs(run);
        if (problem !== undefined) strange.push(`${problem}\n${Buffer.from(KeyMaterial).toString('hex')}`);
      }
    }
    t.same(strange.slice(0, 1), [], `${objectType} ${format}`);
  }
});

t.test('mutated and truncated certificates lead to the errors of the port only', async (t) => {
  const strange: string[] = [];
  for (const origin of [vectors.smallCertificate, vectors.largeCertificate]) {
    for (const CertificateValue of mutations(origin, 11)) {
      const problem = refusedByUs(() => describeCertificate({ CertificateType: 'X_509', CertificateValue }));
      if (problem !== undefined) strange.push(`${problem}\n${Buffer.from(CertificateValue).toString('hex')}`);
    }
  }
  t.same(strange.slice(0, 1), []);
});

t.test('deeply nested and very many items are refused quickly', async (t) => {
  const bombs: [string, Uint8Array][] = [
    ['indefinite lengths', new Uint8Array(65_000).map((_, at) => (at % 2 === 0 ? 0x30 : 0x80))],
    ['many small items', many(32_000)],
    ['zeros', new Uint8Array(65_000)],
  ];
  for (const [name, bomb] of bombs) {
    const start = performance.now();
    t.throws(
      () => describeKey({ objectType: 'PrivateKey', KeyFormatType: 'PKCS_8', KeyMaterial: bomb }),
      InvalidKeyMaterialError,
      name,
    );
    t.throws(
      () => describeCertificate({ CertificateType: 'X_509', CertificateValue: bomb }),
      InvalidCertificateError,
      name,
    );
    t.ok(performance.now() - start < 1000, `${name} within a second`);
  }
});

t.test('numbers and identifiers too long for computing are refused quickly', async (t) => {
  const huge = new Uint8Array(200_000).fill(0x55);
  const start = performance.now();
  const transparent: [PlainKey['objectType'], KeyFormatType, TransparentKeyMaterial][] = [
    ['PrivateKey', 'TransparentRSAPrivateKey', { Modulus: huge, P: huge, Q: huge, PublicExponent: huge }],
    [
      'PrivateKey',
      'TransparentRSAPrivateKey',
      { Modulus: huge.slice(0, 256), P: huge, Q: huge, PublicExponent: huge },
    ],
    ['PublicKey', 'TransparentRSAPublicKey', { Modulus: huge.slice(0, 256), PublicExponent: huge }],
    ['PrivateKey', 'TransparentECPrivateKey', { RecommendedCurve: 'P_256', D: huge }],
    ['PublicKey', 'TransparentECPublicKey', { RecommendedCurve: 'P_256', QString: huge }],
  ];
  for (const [objectType, format, KeyMaterial] of transparent) {
    const key: PlainKey = { objectType, KeyFormatType: format, KeyMaterial };
    t.throws(() => describeKey(key), InvalidKeyMaterialError, String(format));
    t.throws(
      () => convertKey(key, objectType === 'PublicKey' ? 'X_509' : 'PKCS_8'),
      InvalidKeyMaterialError,
      String(format),
    );
  }
  // SubjectPublicKeyInfo whose algorithm has 60,000 arcs.
  const arcs = Uint8Array.of(
    0x30,
    0x82,
    0xea,
    0x68,
    0x30,
    0x82,
    0xea,
    0x64,
    6,
    0x82,
    0xea,
    0x60,
    ...new Uint8Array(60_000).fill(1),
  );
  t.throws(
    () => describeKey({ objectType: 'PublicKey', KeyFormatType: 'X_509', KeyMaterial: arcs }),
    InvalidKeyMaterialError,
  );
  t.ok(performance.now() - start < 1000, 'all within a second');
});

/** A SEQUENCE of that many NULLs. */
function many(count: number): Uint8Array {
  const bytes = new Uint8Array(5 + count * 2);
  bytes.set([0x30, 0x83, ((count * 2) >> 16) & 255, ((count * 2) >> 8) & 255, (count * 2) & 255]);
  for (let at = 5; at < bytes.length; at += 2) bytes[at] = 5;
  return bytes;
}

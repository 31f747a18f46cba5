import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import t from 'tap';
import { KeyFormatType } from '../../../../codec/enums.ts';
import { InvalidKeyMaterialError, UnsupportedKeyFormatError } from '../../../../src/crypto/errors.ts';
import { curves } from '../../../../src/crypto/keys/curves.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';

const { convertKey, describeKey } = nodeCrypto;

type Side = 'PrivateKey' | 'PublicKey';

/**
 * Formats that keys of a kind can have beside PKCS#8 and X.509; from each of them into each other nothing is
 * lost.
 */
const ec = {
  PrivateKey: [
    'ECPrivateKey',
    'TransparentECPrivateKey',
    'TransparentECDSAPrivateKey',
    'TransparentECDHPrivateKey',
    'TransparentECMQVPrivateKey',
  ],
  PublicKey: [
    'TransparentECPublicKey',
    'TransparentECDSAPublicKey',
    'TransparentECDHPublicKey',
    'TransparentECMQVPublicKey',
  ],
} as const;
const montgomery = {
  PrivateKey: ['Raw', ...ec.PrivateKey.slice(1)],
  PublicKey: ['Raw', ...ec.PublicKey],
} as const;
const edwards = { PrivateKey: ['Raw'], PublicKey: ['Raw'] } as const;

type Kind = readonly [
  name: string,
  pair: { privateKey: KeyObject; publicKey: KeyObject },
  formats: Readonly<Record<Side, readonly KeyFormatType[]>>,
  algorithm?: PlainKey['CryptographicAlgorithm'],
];

const kinds: readonly Kind[] = [
  [
    'RSA',
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    {
      PrivateKey: ['PKCS_1', 'TransparentRSAPrivateKey'],
      PublicKey: ['PKCS_1', 'TransparentRSAPublicKey'],
    },
  ],
  [
    'DSA',
    generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }),
    { PrivateKey: ['TransparentDSAPrivateKey'], PublicKey: ['TransparentDSAPublicKey'] },
  ],
  [
    'DH',
    generateKeyPairSync('dh', { group: 'modp14' } as never) as never,
    { PrivateKey: ['TransparentDHPrivateKey'], PublicKey: ['TransparentDHPublicKey'] },
  ],
  ...curves.map(({ name, openssl }): Kind => [name, generateKeyPairSync('ec', { namedCurve: openssl }), ec]),
  ['Ed25519', generateKeyPairSync('ed25519'), edwards, 'Ed25519'],
  ['Ed448', generateKeyPairSync('ed448'), edwards, 'Ed448'],
  ['X25519', generateKeyPairSync('x25519'), montgomery],
  ['X448', generateKeyPairSync('x448'), montgomery],
];

/** Raw keys on Curve25519 and Curve448 do not say which curve that is, so nothing comes of them. */
const oneWay = (name: string, format: KeyFormatType) => /^X/.test(name) && format === 'Raw';

t.test('every kind of key converts from each of its formats to every format, or is refused', async (t) => {
  for (const [name, pair, formats, algorithm] of kinds) {
    for (const [side, home, der] of [
      ['PrivateKey', 'PKCS_8', pair.privateKey.export({ type: 'pkcs8', format: 'der' })],
      ['PublicKey', 'X_509', pair.publicKey.export({ type: 'spki', format: 'der' })],
    ] as const) {
      const origin: PlainKey = {
        objectType: side,
        KeyFormatType: home,
        KeyMaterial: new Uint8Array(der),
        CryptographicAlgorithm: algorithm,
      };
      const own: readonly KeyFormatType[] = [home, ...formats[side]];
      const { CryptographicLength } = describeKey(origin);
      for (const from of own) {
        const source: PlainKey = { ...origin, KeyFormatType: from, KeyMaterial: convertKey(origin, from) };
        if (oneWay(name, from)) continue;
        const wrong: unknown[] = [];
        if (describeKey(source).CryptographicLength !== CryptographicLength) wrong.push('length');
        for (const to of KeyFormatType.members)
          if (!holds(source, origin, to, own, oneWay(name, to))) wrong.push(to);
        t.same(wrong, [], `${name} ${side} from ${from}`);
      }
    }
  }
});

/** Formats of the key give the same key again, the others are refused. */
function holds(
  source: PlainKey,
  origin: PlainKey,
  to: KeyFormatType,
  own: readonly KeyFormatType[],
  oneWay: boolean,
): boolean {
  try {
    const KeyMaterial = convertKey(source, to);
    if (!own.includes(to)) return false;
    if (oneWay) return true;
    const back = convertKey(
      { ...source, KeyFormatType: to, KeyMaterial },
      origin.KeyFormatType,
    ) as Uint8Array;
    return Buffer.from(back).equals(origin.KeyMaterial as Uint8Array);
  } catch (error) {
    return error instanceof UnsupportedKeyFormatError && !own.includes(to);
  }
}

t.test('secret data convert between Raw and Opaque only', async (t) => {
  const KeyMaterial = Uint8Array.of(1, 2, 3);
  for (const from of ['Raw', 'Opaque'] as const) {
    const key = { objectType: 'SecretData', KeyFormatType: from, KeyMaterial } as const;
    for (const to of KeyFormatType.members) {
      if (to === 'Raw' || to === 'Opaque') t.same(convertKey(key, to), KeyMaterial);
      else t.throws(() => convertKey(key, to), UnsupportedKeyFormatError, to);
    }
  }
});

t.test('transparent keys on Curve25519 of the wrong size are refused', async (t) => {
  const RecommendedCurve = 'CURVE25519' as const;
  for (const [objectType, KeyFormatType, KeyMaterial] of [
    ['PublicKey', 'TransparentECPublicKey', { RecommendedCurve, QString: new Uint8Array(31) }],
    ['PrivateKey', 'TransparentECPrivateKey', { RecommendedCurve, D: new Uint8Array(40).fill(1) }],
  ] as const) {
    t.throws(
      () => describeKey({ objectType, KeyFormatType, KeyMaterial }),
      InvalidKeyMaterialError,
      objectType,
    );
  }
});

import t from 'tap';
import type { KeyFormatType } from '../../../../codec/enums.ts';
import type { KeyMaterial } from '../../../../codec/structures/key-block.ts';
import { InvalidKeyMaterialError, UnsupportedKeyFormatError } from '../../../../src/crypto/errors.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';
import * as vectors from '../node/vectors.ts';

const { convertKey, describeKey } = nodeCrypto;

function key(objectType: PlainKey['objectType'], format: KeyFormatType, material: KeyMaterial): PlainKey {
  return { objectType, KeyFormatType: format, KeyMaterial: material };
}

t.test('a conversion is refused when there is none', async (t) => {
  const none: [PlainKey, KeyFormatType][] = [
    [key('PrivateKey', 'PKCS_8', vectors.rsa1024Pkcs8), 'ECPrivateKey'],
    [key('PrivateKey', 'PKCS_8', vectors.rsa1024Pkcs8), 'X_509'],
    [key('PrivateKey', 'PKCS_8', vectors.rsa1024Pkcs8), 'Raw'],
    [key('PrivateKey', 'PKCS_8', vectors.rsa1024Pkcs8), 'PKCS_12'],
    [key('PrivateKey', 'PKCS_8', vectors.rsa1024Pkcs8), 0x7777],
    [key('PrivateKey', 'PKCS_8', vectors.encryptedPkcs8), 'ECPrivateKey'],
    [key('PrivateKey', 'ECPrivateKey', vectors.secp256k1Sec1), 'PKCS_1'],
    [key('PublicKey', 'X_509', vectors.secp256k1Spki), 'TransparentRSAPublicKey'],
    [key('SymmetricKey', 'Raw', new Uint8Array(16)), 'PKCS_1'],
    [key('SymmetricKey', 'Opaque', new Uint8Array(16)), 'Raw'],
    [key('SecretData', 'Opaque', new Uint8Array(16)), 'PKCS_8'],
    [key('PGPKey', 'Opaque', new Uint8Array(16)), 'Raw'],
  ];
  for (const [origin, format] of none) {
    t.throws(
      () => convertKey(origin, format),
      UnsupportedKeyFormatError,
      `${origin.KeyFormatType} to ${format}`,
    );
  }
});

t.test('claims that the material contradicts are refused', async (t) => {
  const rsa = key('PublicKey', 'PKCS_1', vectors.rsa2048PublicPkcs1);
  const offCurve = Uint8Array.from(vectors.secp256k1Spki);
  offCurve[offCurve.length - 1] = (offCurve.at(-1) ?? 0) ^ 1;
  const refused: [string, PlainKey][] = [
    ['another algorithm', { ...rsa, CryptographicAlgorithm: 'EC' }],
    ['another length', { ...rsa, CryptographicLength: 1024 }],
    ['a private key as a public one', key('PublicKey', 'PKCS_1', vectors.rsa2048PrivatePkcs1)],
    ['a public key as a private one', key('PrivateKey', 'PKCS_1', vectors.rsa2048PublicPkcs1)],
    ['a public key in a private format', key('PublicKey', 'PKCS_8', vectors.rsa1024Pkcs8)],
    ['a symmetric key in an asymmetric format', key('SymmetricKey', 'PKCS_1', vectors.rsa2048PublicPkcs1)],
    [
      'a symmetric key for RSA',
      { ...key('SymmetricKey', 'Raw', new Uint8Array(16)), CryptographicAlgorithm: 'RSA' },
    ],
    [
      'a symmetric key of another length',
      { ...key('SymmetricKey', 'Raw', new Uint8Array(16)), CryptographicLength: 256 },
    ],
    ['an empty key', key('SymmetricKey', 'Raw', new Uint8Array(0))],
    ['a structure where bytes belong', key('PrivateKey', 'PKCS_1', vectors.rsa1024Transparent)],
    ['bytes where a structure belongs', key('PrivateKey', 'TransparentRSAPrivateKey', vectors.rsa1024Pkcs8)],
    [
      'a transparent key without its modulus',
      key('PublicKey', 'TransparentRSAPublicKey', { PublicExponent: Uint8Array.of(3) }),
    ],
    [
      'a transparent key with foreign fields',
      key('PrivateKey', 'TransparentDSAPrivateKey', { ...vectors.dsa512Transparent, D: Uint8Array.of(1) }),
    ],
    [
      'a negative number',
      key('PrivateKey', 'TransparentDSAPrivateKey', { ...vectors.dsa512Transparent, X: Uint8Array.of(0x80) }),
    ],
    [
      'a zero',
      key('PrivateKey', 'TransparentDSAPrivateKey', { ...vectors.dsa512Transparent, X: new Uint8Array(8) }),
    ],
    [
      'no exponent',
      key('PrivateKey', 'TransparentRSAPrivateKey', { Modulus: vectors.rsa1024Transparent.Modulus }),
    ],
    ['a point off the curve', key('PublicKey', 'X_509', offCurve)],
    [
      'a key above the order',
      key('PrivateKey', 'TransparentECPrivateKey', {
        RecommendedCurve: 'P_256',
        D: new Uint8Array(33).fill(1),
      }),
    ],
    ['bytes behind the end', key('PrivateKey', 'PKCS_8', Uint8Array.of(...vectors.rsa1024Pkcs8, 0))],
    [
      'an Ed25519 key of 31 bytes',
      { ...key('PublicKey', 'Raw', new Uint8Array(31)), CryptographicAlgorithm: 'Ed25519' },
    ],
    [
      'a tiny modulus',
      key('PublicKey', 'TransparentRSAPublicKey', {
        Modulus: Uint8Array.of(15),
        PublicExponent: Uint8Array.of(3),
      }),
    ],
  ];
  for (const [name, wrong] of refused) t.throws(() => describeKey(wrong), InvalidKeyMaterialError, name);
});

t.test('a key that cannot be read is described by its claims', async (t) => {
  const claims = { CryptographicAlgorithm: 'RSA', CryptographicLength: 2048 } as const;
  const opaque: PlainKey[] = [
    key('PrivateKey', 'Opaque', Uint8Array.of(1, 2, 3)),
    key('PrivateKey', 'PKCS_12', Uint8Array.of(1, 2, 3)),
    key('PublicKey', 'Raw', Uint8Array.of(1, 2, 3)),
    key('PGPKey', 'Raw', Uint8Array.of(1, 2, 3)),
    key('SecretData', 'Raw', Uint8Array.of(1, 2, 3)),
    key('SplitKey', 'Raw', Uint8Array.of(1, 2, 3)),
    key('PublicKey', 0x80000001, Uint8Array.of(1, 2, 3)),
  ];
  for (const kept of opaque)
    t.same(describeKey({ ...kept, ...claims }), claims, `${kept.objectType} ${kept.KeyFormatType}`);
});

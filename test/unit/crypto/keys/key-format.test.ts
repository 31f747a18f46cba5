import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import type { KeyFormatType } from '../../../../codec/enums.ts';
import type { KeyMaterial, TransparentKeyMaterial } from '../../../../codec/structures/key-block.ts';
import { UnsupportedKeyCompressionError, UnsupportedKeyFormatError } from '../../../../src/crypto/errors.ts';
import { curves } from '../../../../src/crypto/keys/curves.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';
import type { KeyPairRequest } from '../../../../src/crypto/provider.ts';
import * as vectors from '../node/vectors.ts';

const { convertKey, describeKey } = nodeCrypto;

type Side = 'PublicKey' | 'PrivateKey';

function key(objectType: PlainKey['objectType'], format: KeyFormatType, material: KeyMaterial): PlainKey {
  return { objectType, KeyFormatType: format, KeyMaterial: material };
}

/** Formats of each kind of key, in which every pair must convert both ways without losing a bit. */
const families: [name: string, request: KeyPairRequest, forms: Record<Side, KeyFormatType[]>][] = [
  [
    'RSA',
    { algorithm: 'RSA', bits: 2048 },
    {
      PrivateKey: ['PKCS_1', 'PKCS_8', 'TransparentRSAPrivateKey'],
      PublicKey: ['PKCS_1', 'X_509', 'TransparentRSAPublicKey'],
    },
  ],
  [
    'EC on P-521',
    { algorithm: 'EC', curve: 'P_521' },
    {
      PrivateKey: [
        'PKCS_8',
        'ECPrivateKey',
        'TransparentECPrivateKey',
        'TransparentECDSAPrivateKey',
        'TransparentECDHPrivateKey',
        'TransparentECMQVPrivateKey',
      ],
      PublicKey: [
        'X_509',
        'TransparentECPublicKey',
        'TransparentECDSAPublicKey',
        'TransparentECDHPublicKey',
        'TransparentECMQVPublicKey',
      ],
    },
  ],
  ['Ed25519', { algorithm: 'Ed25519' }, { PrivateKey: ['PKCS_8', 'Raw'], PublicKey: ['X_509', 'Raw'] }],
  [
    'DH',
    { algorithm: 'DH', bits: 2048 },
    { PrivateKey: ['PKCS_8', 'TransparentDHPrivateKey'], PublicKey: ['X_509', 'TransparentDHPublicKey'] },
  ],
];

t.test('every format converts into every other of its family and back', async (t) => {
  for (const [name, request, forms] of families) {
    const pair = await nodeCrypto.generateKeyPair(request);
    const sides: [Side, PlainKey][] = [
      ['PrivateKey', key('PrivateKey', 'PKCS_8', pair.privateKey)],
      ['PublicKey', key('PublicKey', 'X_509', pair.publicKey)],
    ];
    for (const [side, origin] of sides) {
      const described = describeKey(origin);
      for (const from of forms[side]) {
        const first = {
          ...origin,
          CryptographicAlgorithm: request.algorithm,
          KeyFormatType: from,
          KeyMaterial: convertKey(origin, from),
        };
        t.match(
          describeKey(first),
          { ...described, CryptographicAlgorithm: request.algorithm },
          `${name} ${from}`,
        );
        for (const to of forms[side]) {
          const second = { ...first, KeyFormatType: to, KeyMaterial: convertKey(first, to) };
          const back = convertKey(second, origin.KeyFormatType);
          t.same(back, origin.KeyMaterial, `${name}: ${from} to ${to}`);
        }
      }
    }
  }
});

t.test('keys on curves convert to the PKCS#8 and SEC1 that OpenSSL writes', async (t) => {
  for (const { openssl, name, bits } of curves) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: openssl });
    const pkcs8 = new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' }));
    const sec1 = new Uint8Array(privateKey.export({ type: 'sec1', format: 'der' }));
    const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
    const origin = key('PrivateKey', 'PKCS_8', pkcs8);
    t.same(convertKey(origin, 'ECPrivateKey'), sec1, `${name} SEC1`);
    const transparent = convertKey(origin, 'TransparentECPrivateKey');
    t.same(
      convertKey(key('PrivateKey', 'TransparentECPrivateKey', transparent), 'PKCS_8'),
      pkcs8,
      `${name} PKCS#8`,
    );
    const point = convertKey(key('PublicKey', 'X_509', spki), 'TransparentECPublicKey');
    t.same(convertKey(key('PublicKey', 'TransparentECPublicKey', point), 'X_509'), spki, `${name} public`);
    t.match(
      describeKey(origin),
      {
        CryptographicAlgorithm: 'EC',
        CryptographicLength: bits,
        CryptographicDomainParameters: { RecommendedCurve: name },
      },
      name,
    );
  }
});

t.test('keys of the OASIS cases convert as in the cases', async (t) => {
  const transparent = key('PrivateKey', 'TransparentRSAPrivateKey', vectors.rsa1024Transparent);
  const pkcs8 = key('PrivateKey', 'PKCS_8', vectors.rsa1024Pkcs8);
  t.same(convertKey(transparent, 'PKCS_8'), vectors.rsa1024Pkcs8, 'BL-M-9 is the key of BL-M-11');
  t.same(
    convertKey(pkcs8, 'TransparentRSAPrivateKey'),
    vectors.rsa1024Transparent,
    'and the other way round',
  );
  t.match(describeKey(transparent), { CryptographicAlgorithm: 'RSA', CryptographicLength: 1024 });

  const dsa = key('PrivateKey', 'TransparentDSAPrivateKey', vectors.dsa512Transparent);
  t.match(describeKey(dsa), {
    CryptographicAlgorithm: 'DSA',
    CryptographicLength: 512,
    CryptographicDomainParameters: { Qlength: 160 },
  });
  const dsaPkcs8 = convertKey(dsa, 'PKCS_8') as Uint8Array;
  t.equal(
    createPrivateKey({ key: Buffer.from(dsaPkcs8), format: 'der', type: 'pkcs8' }).asymmetricKeyType,
    'dsa',
  );
  t.same(
    convertKey(key('PrivateKey', 'PKCS_8', dsaPkcs8), 'TransparentDSAPrivateKey'),
    vectors.dsa512Transparent,
  );

  const rsaPublic = convertKey(key('PublicKey', 'PKCS_1', vectors.rsa2048PublicPkcs1), 'X_509') as Uint8Array;
  const rsaPrivate = convertKey(
    key('PrivateKey', 'PKCS_1', vectors.rsa2048PrivatePkcs1),
    'PKCS_8',
  ) as Uint8Array;
  const loaded = createPrivateKey({ key: Buffer.from(rsaPrivate), format: 'der', type: 'pkcs8' });
  const loadedPublic = createPublicKey({ key: Buffer.from(rsaPublic), format: 'der', type: 'spki' });
  t.ok(createPublicKey(loaded).equals(loadedPublic), 'the pair of TC-CREG-1 is one to OpenSSL');

  t.match(describeKey(key('PrivateKey', 'ECPrivateKey', vectors.secp256k1Sec1)), {
    CryptographicLength: 256,
    CryptographicDomainParameters: { RecommendedCurve: 'SECP256K1' },
  });
  t.match(describeKey(key('PublicKey', 'X_509', vectors.secp256k1Spki)), { CryptographicLength: 256 });
  t.same(
    describeKey({
      ...key('PrivateKey', 'PKCS_8', vectors.encryptedPkcs8),
      CryptographicAlgorithm: 'EC',
      CryptographicLength: 256,
    }),
    { CryptographicAlgorithm: 'EC', CryptographicLength: 256 },
    'an encrypted key keeps the claims of its client',
  );
});

t.test('incomplete RSA keys are completed from their primes', async (t) => {
  const { Modulus, PrivateExponent, PublicExponent, P, Q, PrimeExponentP, PrimeExponentQ } =
    vectors.rsa1024Transparent;
  const complete: [string, TransparentKeyMaterial][] = [
    ['primes and public exponent', { Modulus, PublicExponent, P, Q }],
    ['primes and both exponents', { Modulus, PublicExponent, PrivateExponent, P, Q }],
    ['primes and private exponent', { Modulus, PrivateExponent, P, Q }],
  ];
  for (const [name, material] of complete) {
    const made = convertKey(key('PrivateKey', 'TransparentRSAPrivateKey', material), 'PKCS_1') as Uint8Array;
    const again = convertKey(
      key('PrivateKey', 'PKCS_1', made),
      'TransparentRSAPrivateKey',
    ) as TransparentKeyMaterial;
    const { PrivateExponent: _, ...rest } = again;
    const { PrivateExponent: __, ...expected } = vectors.rsa1024Transparent;
    t.same(rest, expected, name);
    createPrivateKey({ key: Buffer.from(made), format: 'der', type: 'pkcs1' });
  }
  for (const material of [
    { Modulus, PrivateExponent, PublicExponent },
    { Modulus, PrimeExponentP, PrimeExponentQ },
  ]) {
    const incomplete = key('PrivateKey', 'TransparentRSAPrivateKey', material);
    t.match(describeKey(incomplete), { CryptographicLength: 1024 }, 'is stored');
    t.same(convertKey(incomplete, 'TransparentRSAPrivateKey'), material, 'is given back');
    t.throws(() => convertKey(incomplete, 'PKCS_1'), UnsupportedKeyFormatError);
  }
});

t.test('symmetric keys convert between raw and transparent', async (t) => {
  const raw = Uint8Array.from({ length: 24 }, (_, at) => at);
  const transparent = convertKey(key('SymmetricKey', 'Raw', raw), 'TransparentSymmetricKey');
  t.same(transparent, { Key: raw });
  t.same(convertKey(key('SymmetricKey', 'TransparentSymmetricKey', transparent), 'Raw'), raw);

  const lengths = [
    ['AES', 192, 192],
    ['AES', undefined, 192],
    [undefined, undefined, 192],
    ['DES3', undefined, 168],
    ['DES3', 168, 168],
    ['DES3', 192, 192],
    ['HMAC_SHA256', 192, 192],
  ] as const;
  for (const [CryptographicAlgorithm, claimed, expected] of lengths) {
    const described = describeKey({
      ...key('SymmetricKey', 'Raw', raw),
      CryptographicAlgorithm,
      CryptographicLength: claimed,
    });
    t.equal(described.CryptographicLength, expected, `${CryptographicAlgorithm} of ${claimed}`);
  }
});

t.test('a conversion returns a copy', async (t) => {
  const raw = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
  for (const format of ['Raw', 'TransparentSymmetricKey'] as const) {
    const given = convertKey(key('SymmetricKey', 'Raw', raw), format);
    const bytes = given instanceof Uint8Array ? given : (given.Key as Uint8Array);
    t.not(bytes.buffer, raw.buffer);
    t.equal(bytes.buffer.byteLength, 16, 'outside the pool');
  }
});

t.test('public points are converted to the requested form', async (t) => {
  const origin = key('PublicKey', 'X_509', vectors.secp256k1Spki);
  const forms = [
    ['ECPublicKeyTypeUncompressed', 4, 65],
    ['ECPublicKeyTypeX9_62CompressedPrime', 2, 33],
    ['ECPublicKeyTypeX9_62Hybrid', 6, 65],
  ] as const;
  for (const [compression, first, length] of forms) {
    const { QString } = convertKey(origin, 'TransparentECPublicKey', compression) as TransparentKeyMaterial;
    t.equal(QString?.length, length, compression);
    t.equal((QString?.[0] ?? 0) & ~1, first & ~1, compression);
    const spki = convertKey(origin, 'X_509', compression);
    t.match(describeKey(key('PublicKey', 'X_509', spki)), { CryptographicLength: 256 });
    t.same(
      convertKey(key('PublicKey', 'X_509', spki), 'X_509', 'ECPublicKeyTypeUncompressed'),
      vectors.secp256k1Spki,
    );
  }
  const rsa = key('PublicKey', 'PKCS_1', vectors.rsa2048PublicPkcs1);
  t.throws(() => convertKey(rsa, 'X_509', 'ECPublicKeyTypeUncompressed'), UnsupportedKeyCompressionError);
  t.throws(() => convertKey(origin, 'X_509', 99), UnsupportedKeyCompressionError);
});

import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import t from 'tap';
import { encodeKeyMaterial, type KeyBlock } from '../../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../../codec/structures/managed-objects.ts';
import { UnsupportedAlgorithmError } from '../../../../src/crypto/errors.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { KeyPairRequest } from '../../../../src/crypto/provider.ts';
import { bytes, rsa2048PublicPkcs1, smallCertificate } from './vectors.ts';

const { random, digest, digestObject, generateSymmetric, generateKeyPair } = nodeCrypto;

function hex(value: Uint8Array | undefined): string {
  return Buffer.from(value ?? []).toString('hex');
}

t.test('random bytes have the requested length and differ', async (t) => {
  const [one, other] = [random(32), random(32)];
  t.equal(one.length, 32);
  t.not(hex(one), hex(other));
  t.equal(one.buffer.byteLength, 32, 'in memory of their own');
  t.equal(random(0).length, 0);
});

t.test('hashes of "abc" are as published', async (t) => {
  const abc = new TextEncoder().encode('abc');
  const expected = [
    ['MD5', '900150983cd24fb0d6963f7d28e17f72'],
    ['SHA_1', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['SHA_256', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    ['RIPEMD_160', '8eb208f7e05d987a9b044a8e98c6b087f15a0bfc'],
    ['SHA_512_256', '53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23'],
    ['SHA3_224', 'e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf'],
  ] as const;
  for (const [algorithm, value] of expected) t.equal(hex(digest(algorithm, abc)), value, algorithm);
  for (const algorithm of nodeCrypto.hashingAlgorithms)
    t.ok(digest(algorithm, abc).length >= 16, String(algorithm));
  for (const algorithm of ['MD2', 'MD4', 'Tiger', 'Whirlpool', 0x99] as const) {
    t.throws(() => digest(algorithm, abc), UnsupportedAlgorithmError, String(algorithm));
  }
});

function symmetric(block: Partial<KeyBlock>): ManagedObjectValue {
  return { type: 'SymmetricKey', value: { KeyBlock: { KeyFormatType: 'Raw', ...block } } };
}

function plain(material: Uint8Array): Partial<KeyBlock> {
  return { KeyValue: { KeyMaterial: material, Attributes: [] } };
}

t.test('the Digest of an object is over its plain value', async (t) => {
  const cases: [string, ManagedObjectValue, string, string][] = [
    [
      'TC-CERTATTR-1',
      { type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue: smallCertificate } },
      'c2afb2c05ca8690d7d9cf753c3cceb758030c29538b730bb23b77dc5ff0bbb36',
      'Raw',
    ],
    [
      'TC-NP-1',
      symmetric(plain(bytes('7546ef6cd37c49806824984477987d1e'))),
      '7549ecda2cd1569974c3748f223fbc947ce9cabce581497522e4b75e9d6ede81',
      'Raw',
    ],
    [
      'TC-IMPEXP-2',
      {
        type: 'PublicKey',
        value: {
          KeyBlock: {
            KeyFormatType: 'PKCS_1',
            KeyValue: { KeyMaterial: rsa2048PublicPkcs1, Attributes: [] },
          },
        },
      },
      '1e7fd4346ef2b9bd7c951322e200286d2b0b6a03ad87b6a61c93c538f23879d9',
      'PKCS_1',
    ],
    [
      'TC-IMPEXP-3',
      {
        type: 'SecretData',
        value: {
          SecretDataType: 'Password',
          KeyBlock: { KeyFormatType: 'Raw', ...plain(new TextEncoder().encode('password')) },
        },
      },
      '5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8',
      'Raw',
    ],
    [
      'an opaque object',
      {
        type: 'OpaqueObject',
        value: { OpaqueDataType: 0x80000001, OpaqueDataValue: Uint8Array.of(97, 98, 99) },
      },
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      'Opaque',
    ],
  ];
  for (const [name, object, value, format] of cases) {
    const found = digestObject(object);
    t.equal(hex(found?.DigestValue), value, name);
    t.match(found, { HashingAlgorithm: 'SHA_256', KeyFormatType: format }, name);
  }
});

t.test('the digest of a transparent key is over its TTLV', async (t) => {
  const material = { Key: Uint8Array.of(1, 2, 3) };
  const ttlv = '420043' + '01' + '00000010' + '42003f' + '08' + '00000003' + '0102030000000000';
  t.equal(hex(encodeKeyMaterial(material)), ttlv);
  const found = digestObject(
    symmetric({
      KeyFormatType: 'TransparentSymmetricKey',
      KeyValue: { KeyMaterial: material, Attributes: [] },
    }),
  );
  t.equal(hex(found?.DigestValue), createHash('sha256').update(Buffer.from(ttlv, 'hex')).digest('hex'));
});

t.test('objects without a plain value have no digest', async (t) => {
  t.equal(digestObject(symmetric({})), undefined, 'metadata only');
  t.equal(
    digestObject(symmetric({ KeyValue: new Uint8Array(24) })),
    undefined,
    'wrapped with its attributes',
  );
  t.equal(
    digestObject(symmetric({ ...plain(new Uint8Array(24)), KeyWrappingData: { WrappingMethod: 'Encrypt' } })),
    undefined,
    'wrapped',
  );
});

t.test('symmetric keys are generated in the offered lengths', async (t) => {
  const made = [
    ['AES', 128, 16],
    ['AES', 256, 32],
    ['DES3', 112, 16],
    ['DES3', 168, 24],
    ['DES3', 192, 24],
    ['SKIPJACK', 80, 10],
    ['HMAC_SHA256', 256, 32],
    ['ChaCha20', 256, 32],
    ['OneTimePad', 4096, 512],
  ] as const;
  for (const [algorithm, bits, length] of made) {
    const key = generateSymmetric(algorithm, bits);
    t.equal(key.length, length, `${algorithm} ${bits}`);
    t.equal(key.buffer.byteLength, length, 'in memory of its own');
    t.not(hex(key), hex(generateSymmetric(algorithm, bits)), 'random');
  }
  const refused = [
    ['AES', 100],
    ['AES', 0],
    ['AES', -128],
    ['AES', Number.NaN],
    ['DES', 56],
    ['DES3', 56],
    ['RC4', 40],
    ['RSA', 2048],
    ['SHA3_256', 256],
    [0x8000_0001, 128],
  ] as const;
  for (const [algorithm, bits] of refused) {
    t.throws(() => generateSymmetric(algorithm, bits), UnsupportedAlgorithmError, `${algorithm} ${bits}`);
  }
});

t.test('every byte of a DES3 key has odd parity', async (t) => {
  const ones = (byte: number): number => byte.toString(2).replaceAll('0', '').length;
  const even = Array.from({ length: 50 }, () => generateSymmetric('DES3', 168))
    .flatMap((key) => [...key])
    .filter((byte) => ones(byte) % 2 === 0);
  t.same(even, []);
});

t.test('key pairs are generated for every algorithm', { timeout: 120_000 }, async (t) => {
  const requests: [KeyPairRequest, string, number][] = [
    [{ algorithm: 'RSA', bits: 2048 }, 'rsa', 2048],
    [{ algorithm: 'RSA', bits: 2048, exponent: 65_539 }, 'rsa', 2048],
    [{ algorithm: 'RSA', bits: 1024 }, 'rsa', 1024],
    [{ algorithm: 'DSA', bits: 1024 }, 'dsa', 1024],
    [{ algorithm: 'EC', curve: 'P_256' }, 'ec', 256],
    [{ algorithm: 'ECDSA', curve: 'P_521' }, 'ec', 521],
    [{ algorithm: 'ECDH', curve: 'BRAINPOOLP384R1' }, 'ec', 384],
    [{ algorithm: 'EC', curve: 'SECP256K1' }, 'ec', 256],
    [{ algorithm: 'ECDH', curve: 'CURVE25519' }, 'x25519', 256],
    [{ algorithm: 'EC', curve: 'CURVE448' }, 'x448', 448],
    [{ algorithm: 'Ed25519' }, 'ed25519', 256],
    [{ algorithm: 'Ed448' }, 'ed448', 456],
    [{ algorithm: 'DSA', bits: 2048, qLength: 224 }, 'dsa', 2048],
    [{ algorithm: 'DH', bits: 3072 }, 'dh', 3072],
  ];
  for (const [request, type, bits] of requests) {
    const pair = await generateKeyPair(request);
    const privateKey = createPrivateKey({ key: Buffer.from(pair.privateKey), format: 'der', type: 'pkcs8' });
    const publicKey = createPublicKey({ key: Buffer.from(pair.publicKey), format: 'der', type: 'spki' });
    t.equal(privateKey.asymmetricKeyType, type, JSON.stringify(request));
    t.ok(createPublicKey(privateKey).equals(publicKey), 'one pair');
    t.equal(pair.bits, bits);
    t.equal(pair.privateKey.buffer.byteLength, pair.privateKey.length, 'in memory of its own');
  }
  for (const curve of nodeCrypto.curves.slice(0, 5)) await generateKeyPair({ algorithm: 'EC', curve });
});

t.test('key pairs that are not offered are refused', async (t) => {
  const refused: KeyPairRequest[] = [
    { algorithm: 'RSA', bits: 1016 },
    { algorithm: 'RSA', bits: 2049 },
    { algorithm: 'RSA', bits: 16_384 },
    { algorithm: 'RSA', bits: 2048, exponent: 3 },
    { algorithm: 'RSA', bits: 2048, exponent: 65_538 },
    { algorithm: 'EC', curve: 'K_163' },
    { algorithm: 'EC', curve: 'SECP112R1' },
    { algorithm: 'EC', curve: 0x1234 },
    { algorithm: 'ECDSA', curve: 'CURVE25519' },
    { algorithm: 'DSA', bits: 1536 },
    { algorithm: 'DSA', bits: 1024, qLength: 256 },
    { algorithm: 'DSA', bits: 3072, qLength: 160 },
    { algorithm: 'DH', bits: 1024 },
  ];
  for (const request of refused) {
    await t.rejects(generateKeyPair(request), UnsupportedAlgorithmError, JSON.stringify(request));
  }
});

t.test('the event loop turns while RSA-4096 is generated', { timeout: 120_000 }, async (t) => {
  let [ticks, longest, last] = [0, 0, performance.now()];
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    ticks += 1;
  }, 2);
  const start = performance.now();
  await Promise.all([0, 1].map(() => generateKeyPair({ algorithm: 'RSA', bits: 4096 })));
  const duration = performance.now() - start;
  clearInterval(timer);
  t.comment(`${Math.round(duration)} ms, longest pause ${Math.round(longest)} ms, ${ticks} ticks`);
  t.ok(ticks > 10, 'timers went on');
  t.ok(longest < duration / 2, 'no pause as long as a generation');
});

t.test(
  'however many primes are searched for, other pairs do not wait for them',
  { timeout: 120_000 },
  async (t) => {
    let found = 0;
    const searches = Array.from({ length: 10 }, async () => {
      const { bits } = await nodeCrypto.generateKeyPair({ algorithm: 'RSA', bits: 2048 });
      found++;
      return bits;
    });
    await nodeCrypto.generateKeyPair({ algorithm: 'Ed25519' });
    t.ok(found <= 4, `${found} of 10 came before it`);
    t.same(new Set(await Promise.all(searches)), new Set([2048]));
    await t.rejects(nodeCrypto.generateKeyPair({ algorithm: 'RSA', bits: 512 }));
    t.equal(
      (await nodeCrypto.generateKeyPair({ algorithm: 'RSA', bits: 2048 })).bits,
      2048,
      'a refusal holds no place',
    );
  },
);

import t from 'tap';
import type { CryptographicAlgorithm, RecommendedCurve } from '../../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../../codec/structures/cryptographic-parameters.ts';
import { closeThreads, nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';
import { CryptographicPolicy } from '../../../../src/crypto/policy/policy.ts';
import type { CryptoProvider, KeyPairRequest } from '../../../../src/crypto/provider.ts';

t.teardown(closeThreads);

const settings = { disabled: [], pkcs1Decryption: false, fips: false };
const policy = new CryptographicPolicy({ ...settings, legacy: false });
const strict = policy.restrict(nodeCrypto);
const legacy = new CryptographicPolicy({ ...settings, legacy: true }).restrict(nodeCrypto);

const refusal = { name: 'UnsupportedAlgorithmError', message: /too weak.*crypto\.legacy = true/ };
const [data, iv] = [new Uint8Array(16), new Uint8Array(8)];
const cbc: CryptographicParameters = { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' };

/** Checks that the use is refused as too weak exactly where `weak` says so, and never with `legacy`. */
async function check(t: Tap, what: string, weak: boolean, use: (provider: CryptoProvider) => unknown) {
  await t.resolves(async () => use(legacy), `${what}: with legacy`);
  if (weak) await t.rejects(async () => use(strict), refusal, `${what}: refused`);
  else await t.resolves(async () => use(strict), `${what}: allowed`);
}
type Tap = Pick<typeof t, 'rejects' | 'resolves'>;

const symmetric = (algorithm: CryptographicAlgorithm, bits: number, claims = true): PlainKey => ({
  objectType: 'SymmetricKey',
  KeyFormatType: 'Raw',
  KeyMaterial: legacy.generateSymmetric(algorithm, bits),
  ...(claims && { CryptographicAlgorithm: algorithm, CryptographicLength: bits }),
});

async function pairOf(request: KeyPairRequest, claims: boolean) {
  const { privateKey, publicKey, bits } = await legacy.generateKeyPair(request);
  const claimed = claims ? { CryptographicAlgorithm: request.algorithm, CryptographicLength: bits } : {};
  return {
    privateKey: { objectType: 'PrivateKey', KeyFormatType: 'PKCS_8', KeyMaterial: privateKey, ...claimed },
    publicKey: { objectType: 'PublicKey', KeyFormatType: 'X_509', KeyMaterial: publicKey, ...claimed },
  } satisfies Record<string, PlainKey>;
}

const generated: readonly [CryptographicAlgorithm, bits: number, weak: boolean][] = [
  ['AES', 128, false],
  ['AES', 256, false],
  ['ChaCha20', 256, false],
  ['Camellia', 128, false],
  ['DES3', 112, true],
  ['DES3', 128, true],
  ['DES3', 168, false],
  ['DES3', 192, false],
  ['RC4', 128, true],
  ['RC4', 256, true],
  ['SKIPJACK', 80, true],
  ['Blowfish', 80, true],
  ['Blowfish', 128, false],
  ['CAST5', 80, true],
  ['CAST5', 128, false],
  ['HMAC_MD5', 128, false],
  ['HMAC_SHA1', 80, false],
  ['HMAC_SHA256', 256, false],
];

t.test('weak symmetric keys are made with legacy only', async (t) => {
  for (const [algorithm, bits, weak] of generated) {
    await check(t, `${algorithm} ${bits}`, weak, (provider) => provider.generateSymmetric(algorithm, bits));
    await check(t, `${algorithm} ${bits} derived`, weak, (provider) =>
      provider.deriveKey({
        method: 'HMAC',
        key: symmetric('HMAC_SHA256', 256),
        parameters: { HashingAlgorithm: 'SHA_256' },
        data: [data],
        length: 32,
        result: { algorithm, bits },
      }),
    );
  }
});

const pairs: readonly [KeyPairRequest, weak: boolean][] = [
  [{ algorithm: 'RSA', bits: 1024 }, true],
  [{ algorithm: 'RSA', bits: 2040 }, true],
  [{ algorithm: 'RSA', bits: 2048 }, false],
  [{ algorithm: 'DSA', bits: 1024 }, true],
  [{ algorithm: 'DSA', bits: 2048 }, false],
  [{ algorithm: 'DH', bits: 1536 }, true],
  [{ algorithm: 'DH', bits: 2048 }, false],
  ...(['EC', 'ECDSA', 'ECDH'] as const).flatMap((algorithm) =>
    (
      [
        ['P_192', true],
        ['P_224', false],
        ['P_256', false],
      ] as [RecommendedCurve, boolean][]
    ).map(([curve, weak]): [KeyPairRequest, boolean] => [{ algorithm, curve }, weak]),
  ),
  [{ algorithm: 'Ed25519' } as KeyPairRequest, false],
];

t.test('weak key pairs are made with legacy only', async (t) => {
  for (const [request, weak] of pairs)
    await check(t, JSON.stringify(request), weak, (provider) => provider.generateKeyPair(request));
});

t.test('every curve below 224 bits is refused', async (t) => {
  for (const curve of nodeCrypto.curves) {
    const { bits } = await nodeCrypto.generateKeyPair({ algorithm: 'EC', curve } as KeyPairRequest);
    const make = (provider: CryptoProvider) => provider.generateKeyPair({ algorithm: 'EC', curve } as never);
    await check(t, `${curve} of ${bits} bits`, bits < 224, make);
  }
});

t.test(
  'weak symmetric keys decrypt and verify, and encrypt, wrap, MAC and derive with legacy only',
  async (t) => {
    for (const claims of [true, false])
      for (const [bits, weak] of [
        [112, true],
        [168, false],
      ] as const) {
        const key = { ...symmetric('DES3', bits, claims), CryptographicAlgorithm: 'DES3' as const };
        const name = `DES3 ${bits}, ${claims ? 'with' : 'without'} a length`;
        const { data: sealed } = await legacy.encrypt(key, cbc, { data, iv });
        await check(t, `${name}: encrypt`, weak, (provider) => provider.encrypt(key, cbc, { data, iv }));
        await check(t, `${name}: decrypt`, false, (provider) =>
          provider.decrypt(key, cbc, { data: sealed, iv }),
        );
        await check(t, `${name}: encrypt in parts`, weak, (provider) =>
          provider.startEncryption(key, cbc, { iv }),
        );
        await check(t, `${name}: decrypt in parts`, false, (provider) =>
          provider.startDecryption(key, cbc, { iv, appendedTag: false }),
        );
        const wrapping = { ...cbc, IVLength: 64, RandomIV: true };
        const wrapped = await legacy.wrap(key, wrapping, data);
        await check(t, `${name}: wrap`, weak, (provider) => provider.wrap(key, wrapping, data));
        await check(t, `${name}: unwrap`, false, (provider) => provider.unwrap(key, wrapping, wrapped));
        const cmac = { BlockCipherMode: 'CMAC' } as const;
        if (!weak) await check(t, `${name}: MAC`, false, (provider) => provider.mac(key, cmac, data));
        else t.throws(() => legacy.mac(key, cmac, data), /makes no MAC/, 'there is no CMAC with two keys');
        const hmac = { CryptographicAlgorithm: 'HMAC_SHA256' } as const;
        await check(t, `${name}: HMAC`, false, (provider) => provider.mac(key, hmac, data));
        const derivation = { method: 'ENCRYPT', key, parameters: cbc, data: [data], iv, length: 16 } as const;
        await check(t, `${name}: derive`, weak, (provider) => provider.deriveKey(derivation));
      }
  },
);

const signatures: readonly [KeyPairRequest, CryptographicParameters, weak: boolean][] = [
  [{ algorithm: 'RSA', bits: 1024 }, { PaddingMethod: 'PKCS1V1_5', HashingAlgorithm: 'SHA_256' }, true],
  [{ algorithm: 'RSA', bits: 2048 }, { PaddingMethod: 'PKCS1V1_5', HashingAlgorithm: 'SHA_256' }, false],
  [{ algorithm: 'RSA', bits: 2048 }, { PaddingMethod: 'PKCS1V1_5', HashingAlgorithm: 'SHA_1' }, true],
  [{ algorithm: 'RSA', bits: 2048 }, { PaddingMethod: 'PKCS1V1_5', HashingAlgorithm: 'MD5' }, true],
  [{ algorithm: 'RSA', bits: 2048 }, { PaddingMethod: 'PSS', HashingAlgorithm: 'SHA_1' }, true],
  [{ algorithm: 'RSA', bits: 2048 }, { DigitalSignatureAlgorithm: 'SHA_1WithRSAEncryption' }, true],
  [{ algorithm: 'RSA', bits: 2048 }, { DigitalSignatureAlgorithm: 'MD5WithRSAEncryption' }, true],
  [{ algorithm: 'RSA', bits: 2048 }, { DigitalSignatureAlgorithm: 'SHA_256WithRSAEncryption' }, false],
  [{ algorithm: 'DSA', bits: 1024 }, { HashingAlgorithm: 'SHA_256' }, true],
  [{ algorithm: 'DSA', bits: 2048 }, { HashingAlgorithm: 'SHA_256' }, false],
  [{ algorithm: 'DSA', bits: 2048 }, { DigitalSignatureAlgorithm: 'DSAWithSHA_1' }, true],
  [{ algorithm: 'ECDSA', curve: 'P_192' }, { HashingAlgorithm: 'SHA_256' }, true],
  [{ algorithm: 'ECDSA', curve: 'P_256' }, { HashingAlgorithm: 'SHA_256' }, false],
  [{ algorithm: 'ECDSA', curve: 'P_256' }, { DigitalSignatureAlgorithm: 'ECDSAWithSHA_1' }, true],
];

t.test('weak keys and hashes verify, and sign with legacy only', async (t) => {
  for (const claims of [true, false])
    for (const [request, parameters, weak] of signatures) {
      const { privateKey, publicKey } = await pairOf(request, claims);
      const name = `${JSON.stringify([request, parameters])}, ${claims ? 'with' : 'without'} claims`;
      const signature = await legacy.sign(privateKey, parameters, { data });
      await check(t, `${name}: sign`, weak, (provider) => provider.sign(privateKey, parameters, { data }));
      await check(t, `${name}: verify`, false, (provider) =>
        provider.verify(publicKey, parameters, { data }, signature),
      );
      await check(t, `${name}: sign in parts`, weak, (provider) =>
        provider.startMessage(privateKey, parameters),
      );
      await check(t, `${name}: verify in parts`, false, (provider) =>
        provider.startMessage(publicKey, parameters),
      );
    }
});

t.test('weak RSA keys decrypt, and encrypt with legacy only; the hash of OAEP is no signature', async (t) => {
  for (const [bits, weak] of [
    [1024, true],
    [2048, false],
  ] as const) {
    const { privateKey, publicKey } = await pairOf({ algorithm: 'RSA', bits }, true);
    const oaep = { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_1' } as const;
    const sealed = await legacy.encrypt(publicKey, oaep, { data });
    await check(t, `RSA ${bits}: encrypt`, weak, (provider) => provider.encrypt(publicKey, oaep, { data }));
    await check(t, `RSA ${bits}: wrap`, weak, (provider) => provider.wrap(publicKey, oaep, data));
    await check(t, `RSA ${bits}: decrypt`, false, (provider) =>
      provider.decrypt(privateKey, oaep, { data: sealed.data }),
    );
  }
});

t.test('secrets are agreed on and derived by few iterations with legacy only', async (t) => {
  for (const [request, weak] of pairs) {
    if (request.algorithm !== 'DH' && request.algorithm !== 'ECDH') continue;
    const { privateKey: key, publicKey: peer } = await pairOf(request, true);
    const derivation = { method: 'AsymmetricKey', key, peer, parameters: {}, data: [], length: 16 } as const;
    await check(t, JSON.stringify(request), weak, (provider) => provider.deriveKey(derivation));
  }
  for (const [iterations, weak] of [
    [1, true],
    [999, true],
    [1000, false],
  ] as const)
    await check(t, `PBKDF2 of ${iterations} iterations`, weak, (provider) =>
      provider.deriveKey({
        method: 'PBKDF2',
        key: { objectType: 'SecretData', KeyFormatType: 'Raw', KeyMaterial: data },
        parameters: { HashingAlgorithm: 'SHA_256' },
        data: [],
        salt: data,
        iterations,
        length: 16,
      }),
    );
});

t.test('a reload changes what is allowed', async (t) => {
  const reloaded = new CryptographicPolicy({ ...settings, legacy: false });
  const provider = reloaded.restrict(nodeCrypto);
  t.throws(() => provider.generateSymmetric('DES3', 112), refusal);
  reloaded.replace({ ...settings, legacy: true });
  t.equal(provider.generateSymmetric('DES3', 112).length, 16);
});

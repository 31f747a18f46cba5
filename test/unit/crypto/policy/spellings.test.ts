import t from 'tap';
import type { CryptographicAlgorithm, DerivationMethod, HashingAlgorithm } from '../../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../../codec/structures/cryptographic-parameters.ts';
import { hashOfDerivation } from '../../../../src/crypto/derivation-hash.ts';
import { UnsupportedAlgorithmError } from '../../../../src/crypto/errors.ts';
import { closeThreads, nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { completeParameters } from '../../../../src/crypto/parameter-defaults.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';
import { CryptographicPolicy } from '../../../../src/crypto/policy/policy.ts';
import type { KeyDerivation } from '../../../../src/crypto/provider.ts';

/** Every rule about hashes concerns the hash that is used, however the parameters or the key state it. */

t.teardown(closeThreads);

const without = (name: string | number) =>
  new CryptographicPolicy({
    disabled: [String(name)],
    pkcs1Decryption: false,
    fips: false,
    legacy: true,
  }).restrict(nodeCrypto);

/** Hashes with an HMAC, and the name of that. */
const hashes: readonly (readonly [HashingAlgorithm, CryptographicAlgorithm])[] = [
  ['MD5', 'HMAC_MD5'],
  ['SHA_1', 'HMAC_SHA1'],
  ['SHA_224', 'HMAC_SHA224'],
  ['SHA_256', 'HMAC_SHA256'],
  ['SHA_384', 'HMAC_SHA384'],
  ['SHA_512', 'HMAC_SHA512'],
  ['SHA3_224', 'HMAC_SHA3_224'],
  ['SHA3_256', 'HMAC_SHA3_256'],
  ['SHA3_384', 'HMAC_SHA3_384'],
  ['SHA3_512', 'HMAC_SHA3_512'],
];

/** The server itself needs SHA-256. */
const canBeOff = (name: string | number) => name !== 'SHA_256';

const keyOf = (CryptographicAlgorithm: CryptographicAlgorithm): PlainKey => ({
  objectType: 'SymmetricKey',
  KeyFormatType: 'Raw',
  KeyMaterial: new Uint8Array(32).fill(7),
  CryptographicAlgorithm,
});
const plain = keyOf('AES');

/** A hash as parameters and key may state it; the key counts for the methods that ask it. */
const spellings: readonly (readonly [string, CryptographicParameters, PlainKey])[] = [
  ...hashes.flatMap(
    ([HashingAlgorithm, CryptographicAlgorithm]) =>
      [
        [`the hash ${HashingAlgorithm}`, { HashingAlgorithm }, plain],
        [`the algorithm ${CryptographicAlgorithm}`, { CryptographicAlgorithm }, plain],
        [`hash and algorithm ${CryptographicAlgorithm}`, { HashingAlgorithm, CryptographicAlgorithm }, plain],
        [`a key for ${CryptographicAlgorithm}`, {}, keyOf(CryptographicAlgorithm)],
        [`the hash ${HashingAlgorithm} and another key`, { HashingAlgorithm }, keyOf('HMAC_SHA512')],
      ] as const,
  ),
  ['a signature', { DigitalSignatureAlgorithm: 'SHA_512WithRSAEncryption' }, plain],
  ['nothing', {}, plain],
];

type Method = Exclude<DerivationMethod, number>;
const bytes = (length: number) => new Uint8Array(length).fill(3);
const inputs: Readonly<Record<string, Partial<KeyDerivation>>> = {
  PBKDF2: { data: [], salt: bytes(8), iterations: 2_000 },
  HASH: { data: [] },
  HMAC: { data: [bytes(8)] },
  HKDF: { data: [bytes(8)] },
  NIST800_108_C: { data: [bytes(8)] },
  NIST800_108_F: { data: [bytes(8)] },
  NIST800_108_DPI: { data: [bytes(8)] },
};

/** A derivation with the parameters that an operation would pass on. */
function derivation(method: Method, key: PlainKey, stated: CryptographicParameters): KeyDerivation {
  const subject = { algorithm: key.CryptographicAlgorithm, bits: 256 };
  const parameters = completeParameters(method, subject, stated);
  return { method, key, parameters, length: 16, ...inputs[method] } as KeyDerivation;
}

const derive = async (
  method: Method,
  key: PlainKey,
  stated: CryptographicParameters,
  provider = nodeCrypto,
) => Buffer.from(await provider.deriveKey(derivation(method, key, stated))).toString('hex');

const isRefused = async (use: () => unknown): Promise<boolean> => {
  try {
    await use();
    return false;
  } catch (error) {
    if (error instanceof UnsupportedAlgorithmError && /switched off/.test(error.message)) return true;
    throw error;
  }
};

t.test('a hash that is switched off derives nothing under any spelling', async (t) => {
  for (const method of Object.keys(inputs) as Method[]) {
    const byHash = await Promise.all(
      hashes.map(async ([hash]) => [hash, await derive(method, plain, { HashingAlgorithm: hash })] as const),
    );
    for (const [name, stated, key] of spellings) {
      const derived = await derive(method, key, stated);
      const used = byHash.find(([, value]) => value === derived)?.[0];
      t.equal(hashOfDerivation(derivation(method, key, stated)), used, `${method} by ${name}`);
      for (const [hash, hmac] of hashes) {
        const what = `${method} by ${name}`;
        const refuses = (off: string | number) => isRefused(() => derive(method, key, stated, without(off)));
        if (canBeOff(hash)) t.equal(await refuses(hash), hash === used, `${what} without ${hash}`);
        const isNamed = [stated.CryptographicAlgorithm, key.CryptographicAlgorithm].includes(hmac);
        const usesHmac = hash === used && method !== 'HASH';
        t.equal(await refuses(hmac), usesHmac || isNamed, `${what} without ${hmac}`);
      }
    }
  }
});

t.test('CMAC that is switched off derives nothing under any spelling', async (t) => {
  const cmacs: readonly CryptographicParameters[] = [
    { BlockCipherMode: 'CMAC' },
    { CryptographicAlgorithm: 'AES' },
    { BlockCipherMode: 'CMAC', CryptographicAlgorithm: 'AES' },
  ];
  for (const method of ['NIST800_108_C', 'NIST800_108_F', 'NIST800_108_DPI'] as const)
    for (const stated of cmacs) {
      t.equal(hashOfDerivation(derivation(method, plain, stated)), undefined);
      t.ok(await isRefused(() => derive(method, plain, stated, without('CMAC'))), JSON.stringify(stated));
      t.notOk(await isRefused(() => derive(method, plain, stated, without('SHA_512'))));
    }
});

t.test('an HMAC that is switched off makes no MAC under any spelling', async (t) => {
  for (const [hash, algorithm] of hashes)
    for (const [key, parameters] of [
      [keyOf(algorithm), {}],
      [keyOf(algorithm), { HashingAlgorithm: hash }],
      [keyOf(algorithm), { CryptographicAlgorithm: algorithm }],
      [plain, { CryptographicAlgorithm: algorithm }],
      [plain, { CryptographicAlgorithm: algorithm, HashingAlgorithm: hash }],
    ] as const)
      for (const names of hashes)
        for (const name of names.filter(canBeOff)) {
          const provider = without(name);
          const what = `${algorithm} ${JSON.stringify(parameters)} without ${name}`;
          t.equal(await isRefused(() => provider.mac(key, parameters, bytes(8))), name === algorithm, what);
          t.equal(await isRefused(() => provider.startMac(key, parameters)), name === algorithm, what);
        }
});

t.test('a hash that is switched off signs nothing under any spelling', async (t) => {
  const pair = await nodeCrypto.generateKeyPair({ algorithm: 'RSA', bits: 2048 });
  const key: PlainKey = {
    objectType: 'PrivateKey',
    KeyFormatType: 'PKCS_8',
    KeyMaterial: pair.privateKey,
    CryptographicAlgorithm: 'RSA',
  };
  const signatures = [
    ['SHA_1', 'SHA_1WithRSAEncryption'],
    ['SHA_256', 'SHA_256WithRSAEncryption'],
    ['SHA3_384', 'SHA3_384WithRSAEncryption'],
  ] as const;
  for (const [hash, name] of signatures)
    for (const stated of [
      { HashingAlgorithm: hash },
      { DigitalSignatureAlgorithm: name },
      { HashingAlgorithm: hash, DigitalSignatureAlgorithm: name },
    ])
      for (const [other] of signatures.filter(([other]) => canBeOff(other))) {
        const parameters = completeParameters('sign', { algorithm: 'RSA', bits: 2048 }, stated);
        const sign = () => without(other).sign(key, parameters, { data: bytes(8) });
        t.equal(await isRefused(sign), hash === other, `${JSON.stringify(stated)} without ${other}`);
      }
});

import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import type { CryptographicAlgorithm, DerivationMethod, RecommendedCurve } from '../../codec/enums.ts';
import { CreateKeyPair } from '../../src/operations/creation/create-key-pair.ts';
import { DeriveKey } from '../../src/operations/creation/derive-key.ts';
import { Decrypt } from '../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { Hash } from '../../src/operations/cryptography/hash.ts';
import { MAC } from '../../src/operations/cryptography/mac.ts';
import { MACVerify } from '../../src/operations/cryptography/mac-verify.ts';
import { Sign } from '../../src/operations/cryptography/sign.ts';
import { SignatureVerify } from '../../src/operations/cryptography/signature-verify.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { active, Data, encryptVersions, hex, type Pair, withMask } from './keys.ts';
import { ask, having, length, materialOf, outcome, succeed } from './operations/ask.ts';
import { counted, encryptWith, register, secret, symmetric } from './operations/transfer/wrapping-keys.ts';
import { TestService } from './service.ts';

/**
 * Tests that every use of a key works when neither the request nor the key states parameters (decision 29).
 */

const service = await TestService.open();
t.teardown(() => service.close());

type Name = Exclude<CryptographicAlgorithm, number>;

const everything = withMask(
  ...(['Encrypt', 'Decrypt', 'MACGenerate', 'MACVerify', 'DeriveKey', 'WrapKey', 'UnwrapKey'] as const),
);

/** Symmetric algorithms with bytes of key, and what the server does with such a key without parameters. */
const ciphers: readonly (readonly [Name, bytes: number, works: string])[] = [
  ['AES', 16, 'encrypt mac wrap'],
  ['AES', 24, 'encrypt mac wrap'],
  ['AES', 32, 'encrypt mac wrap'],
  ['AES', 64, 'encrypt'],
  ['ARIA', 16, 'encrypt wrap'],
  ['ARIA', 32, 'encrypt wrap'],
  ['Camellia', 16, 'encrypt wrap'],
  ['Camellia', 32, 'encrypt wrap'],
  ['SM4', 16, 'encrypt wrap'],
  ['DES3', 24, 'encrypt mac wrap'],
  ['ChaCha20', 32, 'encrypt wrap'],
  ['ChaCha20Poly1305', 32, 'encrypt wrap'],
  ['HMAC_SHA1', 20, 'mac'],
  ['HMAC_SHA224', 28, 'mac'],
  ['HMAC_SHA256', 32, 'mac'],
  ['HMAC_SHA384', 48, 'mac'],
  ['HMAC_SHA512', 64, 'mac'],
  ['HMAC_SHA3_256', 32, 'mac'],
  ['HMAC_SHA3_512', 64, 'mac'],
  ['RC4', 16, ''],
  ['Blowfish', 16, ''],
];

const target = await register(service, secret(counted(16)), active);
const targetPlain = hex(counted(16));

async function encrypts(id: string, publicId = id): Promise<boolean> {
  for (const version of encryptVersions) {
    const request = { UniqueIdentifier: publicId, Data: counted(32) };
    const { reason, payload } = await ask(service, version, Encrypt, request);
    if (reason !== undefined) return false;
    const { Data: encrypted, IVCounterNonce, AuthenticatedEncryptionTag } = payload;
    const sealed = { UniqueIdentifier: id, Data: encrypted, IVCounterNonce, AuthenticatedEncryptionTag };
    const opened = await succeed(service, version, Decrypt, sealed);
    t.same(opened.Data, counted(32), `${version}: decrypted`);
  }
  return true;
}

async function macs(UniqueIdentifier: string): Promise<boolean> {
  const { reason, payload } = await ask(service, '2.1', MAC, { UniqueIdentifier, Data });
  if (reason !== undefined) return false;
  const { MACData } = payload;
  const verified = await succeed(service, '2.1', MACVerify, { UniqueIdentifier, Data, MACData });
  t.equal(verified.ValidityIndicator, 'Valid');
  return true;
}

async function wraps(wrapping: string): Promise<boolean> {
  const request = { UniqueIdentifier: target, ...encryptWith(wrapping) };
  const { reason, payload } = await ask(service, '2.1', Get, request);
  if (reason !== undefined) return false;
  const again = await register(service, payload.Object);
  const { Object: plain } = await succeed(service, '2.1', Get, {
    UniqueIdentifier: again,
    KeyWrapType: 'NotWrapped',
  });
  t.equal(hex(materialOf(plain)), targetPlain, 'unwrapped');
  return true;
}

t.test('a symmetric key is used without parameters as far as the server uses such keys', async (t) => {
  for (const [algorithm, bytes, expected] of ciphers) {
    const id = await register(service, symmetric(counted(bytes), algorithm), active, everything);
    const uses = { encrypt: await encrypts(id), mac: await macs(id), wrap: await wraps(id) };
    const works = Object.entries(uses).flatMap(([use, done]) => (done ? [use] : []));
    t.equal(works.join(' '), expected, `${algorithm} of ${bytes} bytes`);
  }
});

t.test('AES encrypts by GCM, with a vector of the server and a tag of 16 bytes', async (t) => {
  const id = await register(service, symmetric(counted(16)), active, everything);
  const made = await succeed(service, '2.1', Encrypt, { UniqueIdentifier: id, Data });
  t.equal(made.IVCounterNonce?.length, 12);
  t.equal(made.AuthenticatedEncryptionTag?.length, 16);
  const CryptographicParameters = { BlockCipherMode: 'GCM', TagLength: 16, IVLength: 96 } as const;
  const opened = await succeed(service, '2.1', Decrypt, { ...made, CryptographicParameters });
  t.same(opened.Data, Data);
  // A padding without a mode means CBC: no other mode is padded.
  const padded = { UniqueIdentifier: id, Data, CryptographicParameters: { PaddingMethod: 'PKCS5' } } as const;
  t.equal((await succeed(service, '2.1', Encrypt, padded)).IVCounterNonce?.length, 16);
});

async function createPair(algorithm: Name, bits?: number, curve?: RecommendedCurve): Promise<Pair> {
  const common: Attribute[] = [{ name: 'CryptographicAlgorithm', value: algorithm }, active];
  if (bits !== undefined) common.push(length(bits));
  if (curve !== undefined)
    common.push({ name: 'CryptographicDomainParameters', value: { RecommendedCurve: curve } });
  const made = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having(...common),
    PrivateKeyAttributes: having(withMask('Sign', 'Decrypt', 'DeriveKey')),
    PublicKeyAttributes: having(withMask('Verify', 'Encrypt', 'DeriveKey')),
  });
  return { id: made.PrivateKeyUniqueIdentifier, publicId: made.PublicKeyUniqueIdentifier };
}

async function signs({ id, publicId }: Pair, hash?: string): Promise<boolean> {
  const { reason, payload } = await ask(service, '2.1', Sign, { UniqueIdentifier: id, Data });
  if (reason !== undefined) return false;
  const signed = { UniqueIdentifier: publicId, Data, SignatureData: payload.SignatureData };
  t.equal((await succeed(service, '2.1', SignatureVerify, signed)).ValidityIndicator, 'Valid');
  if (hash === undefined) return true;
  const stated = { ...signed, CryptographicParameters: { HashingAlgorithm: hash } };
  t.equal((await succeed(service, '2.1', SignatureVerify, stated)).ValidityIndicator, 'Valid', hash);
  return true;
}

t.test('key pairs sign and encrypt without parameters, with a hash as strong as the key', async (t) => {
  const rows: readonly (readonly [Name, (number | undefined)?, (RecommendedCurve | undefined)?, string?])[] =
    [
      ['RSA', 2048, undefined, 'SHA_256'],
      ['RSA', 3072, undefined, 'SHA_256'],
      ['RSA', 4096, undefined, 'SHA_384'],
      ['DSA', 2048, undefined, 'SHA_256'],
      ['EC', undefined, 'P_256', 'SHA_256'],
      ['ECDSA', undefined, 'P_256', 'SHA_256'],
      ['ECDSA', 384, undefined, 'SHA_384'],
      ['ECDSA', undefined, 'P_521', 'SHA_512'],
      ['ECDSA', undefined, 'SECP256K1', 'SHA_256'],
      ['ECDSA', undefined, 'BRAINPOOLP512R1', 'SHA_512'],
      ['Ed25519'],
      ['Ed448'],
      ['ML_DSA_65'],
    ];
  for (const [algorithm, bits, curve, hash] of rows) {
    const pair = await createPair(algorithm, bits, curve);
    t.equal(await signs(pair, hash), true, `${algorithm} ${bits ?? curve ?? ''}: signs`);
    t.equal(await encrypts(pair.id, pair.publicId), algorithm === 'RSA', `${algorithm}: encrypts`);
  }
});

t.test('RSA encrypts by OAEP with SHA-256, and pads signatures by PKCS #1 v1.5', async (t) => {
  const { id, publicId } = await createPair('RSA', 2048);
  const { Data: encrypted } = await succeed(service, '2.1', Encrypt, { UniqueIdentifier: publicId, Data });
  const oaep = { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256' } as const;
  const stated = { UniqueIdentifier: id, Data: encrypted, CryptographicParameters: oaep };
  t.same((await succeed(service, '2.1', Decrypt, stated)).Data, Data);
  for (const [CryptographicParameters, equivalent] of [
    [{}, { PaddingMethod: 'PKCS1V1_5', HashingAlgorithm: 'SHA_256' }],
    [{ PaddingMethod: 'PSS' }, { PaddingMethod: 'PSS', HashingAlgorithm: 'SHA_256', SaltLength: 32 }],
    [
      { PaddingMethod: 'PSS', DigitalSignatureAlgorithm: 'SHA_512WithRSAEncryption' },
      { DigitalSignatureAlgorithm: 'RSASSA_PSS', HashingAlgorithm: 'SHA_512' },
    ],
    [
      { DigitalSignatureAlgorithm: 'RSASSA_PSS' },
      { PaddingMethod: 'PSS', HashingAlgorithm: 'SHA_256', MaskGeneratorHashingAlgorithm: 'SHA_256' },
    ],
  ] as const) {
    const request = { UniqueIdentifier: id, Data, CryptographicParameters };
    const { SignatureData } = await succeed(service, '2.1', Sign, request);
    const verification = { UniqueIdentifier: publicId, Data, SignatureData };
    const verified = await succeed(service, '2.1', SignatureVerify, {
      ...verification,
      CryptographicParameters: equivalent,
    });
    t.equal(verified.ValidityIndicator, 'Valid', JSON.stringify(CryptographicParameters));
  }
  const contradiction = { PaddingMethod: 'PKCS1V1_5', DigitalSignatureAlgorithm: 'RSASSA_PSS' } as const;
  t.equal(
    await outcome(service, '2.1', Sign, {
      UniqueIdentifier: id,
      Data,
      CryptographicParameters: contradiction,
    }),
    'BadCryptographicParameters',
    'two paddings, both explicit',
  );
});

t.test('keys are derived without parameters by every method, the same each time', async (t) => {
  const { id, publicId } = await createPair('EC', undefined, 'P_256');
  const aesKey = await register(service, symmetric(counted(32)), active, everything);
  const one = (fields: object) => ({
    UniqueIdentifier: [aesKey],
    DerivationParameters: { DerivationData: [], ...fields },
  });
  const DerivationData = [counted(16)];
  const methods: Readonly<Record<Exclude<DerivationMethod, number>, object>> = {
    PBKDF2: one({ Salt: counted(8), IterationCount: 1_000 }),
    HASH: one({}),
    HMAC: one({ DerivationData }),
    ENCRYPT: one({ DerivationData, InitializationVector: counted(16) }),
    NIST800_108_C: one({ DerivationData }),
    NIST800_108_F: one({ DerivationData }),
    NIST800_108_DPI: one({ DerivationData }),
    HKDF: one({}),
    AWSSignatureVersion4: one({ DerivationData: [new TextEncoder().encode('20260101/eu/kms')] }),
    AsymmetricKey: { UniqueIdentifier: [id, publicId], DerivationParameters: { DerivationData: [] } },
  };
  for (const [DerivationMethod, request] of Object.entries(methods)) {
    const derive = async () => {
      const made = await succeed(service, '2.1', DeriveKey, {
        ObjectType: 'SecretData',
        DerivationMethod,
        Attributes: having(length(128), withMask('DeriveKey')),
        ...request,
      });
      return hex(materialOf((await succeed(service, '2.1', Get, made)).Object));
    };
    t.equal(await derive(), await derive(), DerivationMethod);
  }
});

t.test('Hash without an algorithm is SHA-256', async (t) => {
  const without = await succeed(service, '2.1', Hash, { CryptographicParameters: {}, Data });
  const CryptographicParameters = { HashingAlgorithm: 'SHA_256' } as const;
  t.same(without, await succeed(service, '2.1', Hash, { CryptographicParameters, Data }));
});

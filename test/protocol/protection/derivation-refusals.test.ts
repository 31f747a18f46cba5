import t from 'tap';
import { BlockCipherMode } from '../../../codec/enums.ts';
import type { Version } from '../../../codec/version.ts';
import { everything } from '../operations/ask.ts';
import { TestService } from '../service.ts';
import {
  createPair,
  type Derivation,
  derivations,
  type Protection,
  protections,
  registerKey,
  registerSecret,
  tryDerive,
} from './flow-inputs.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const none = protections[0] as Protection;
const guarded = protections.slice(1);
const versions = ['1.0', '1.4', '2.1'] as const;

/** The reason of a refusal, by the version and the protection. */
function reasonFor(version: Version, { name }: Protection): string {
  if (version === '1.0') return 'PermissionDenied';
  return name === 'Sensitive' ? 'Sensitive' : 'NotExtractable';
}

const hash = { HashingAlgorithm: 'SHA_256' } as const;
const cmac = { BlockCipherMode: 'CMAC', CryptographicAlgorithm: 'AES' } as const;

/** Parameters under which a method takes its data from Secret Data. */
const revealing: readonly (readonly [Derivation['method'], object])[] = [
  ...BlockCipherMode.members.map(
    (mode) => ['ENCRYPT', { CryptographicParameters: { BlockCipherMode: mode } }] as const,
  ),
  ['ENCRYPT', { CryptographicParameters: {} }],
  ['NIST800_108_C', { CryptographicParameters: cmac }],
  ['NIST800_108_F', { CryptographicParameters: cmac }],
  ['NIST800_108_DPI', { CryptographicParameters: cmac }],
  ['NIST800_108_C', { CryptographicParameters: { ...cmac, ...hash } }],
  ['AWSSignatureVersion4', {}],
];

t.test('Derive Key refuses methods that would reveal protected Secret Data', async (t) => {
  const key = await registerKey(service, none);
  const scope = Uint8Array.from(Buffer.from('20260101/here/kms'));
  for (const protection of guarded) {
    const secret = await registerSecret(service, protection, scope);
    const before = await everything(service);
    for (const [method, parameters] of revealing) {
      for (const version of method === 'AWSSignatureVersion4' ? (['2.0', '2.1'] as const) : versions) {
        const derivation = { method, ids: [key, secret], parameters };
        const which = `${version} ${protection.name} ${method} ${JSON.stringify(parameters)}`;
        t.equal(await tryDerive(service, version, derivation), reasonFor(version, protection), which);
      }
    }
    t.same(await everything(service), before, 'nothing has changed');
  }
  const free = await registerSecret(service, none, new Uint8Array(16));
  const ecb = { BlockCipherMode: 'ECB', PaddingMethod: 'None' } as const;
  for (const [method, CryptographicParameters] of [
    ['ENCRYPT', ecb],
    ['NIST800_108_C', cmac],
  ] as const) {
    const derivation = { method, ids: [key, free], parameters: { CryptographicParameters } };
    t.equal(await tryDerive(service, '2.1', derivation), 'Success', `${method} over free data`);
  }
});

t.test('Derive Key encrypts under a protected key in block modes only', async (t) => {
  const iv = new Uint8Array(16);
  for (const protection of protections) {
    const id = await registerKey(service, protection);
    for (const mode of BlockCipherMode.members) {
      const parameters = {
        CryptographicParameters: { BlockCipherMode: mode, PaddingMethod: 'None' },
        DerivationData: [new Uint8Array(16)],
        ...(mode !== 'ECB' && { InitializationVector: iv }),
      };
      for (const version of ['1.4', '2.1'] as const) {
        const actual = await tryDerive(service, version, { method: 'ENCRYPT', ids: [id], parameters });
        const isBlockMode = mode === 'ECB' || mode === 'CBC';
        const which = `${version} ${protection.name} ${mode}`;
        if (isBlockMode) t.equal(actual, 'Success', which);
        else if (protection !== none) t.equal(actual, reasonFor(version, protection), which);
        else t.notMatch(actual, /Sensitive|NotExtractable/, which);
      }
    }
  }
});

t.test('Derive Key derives at least 128 bits from a protected object by every method', async (t) => {
  const curve = [
    { name: 'CryptographicDomainParameters', value: { RecommendedCurve: 'P_256' } },
    { name: 'CryptographicUsageMask', value: 0x8200 },
  ] as const;
  const lengths: readonly (readonly [bits: number, type: 'SymmetricKey' | 'SecretData', ok: boolean])[] = [
    ...[8, 16, 24, 64, 112, 120].map((bits) => [bits, 'SecretData', false] as const),
    [128, 'SecretData', true],
    [128, 'SymmetricKey', true],
  ];
  for (const method of Object.keys(derivations) as Derivation['method'][]) {
    for (const protection of protections) {
      const id = await registerKey(service, protection);
      const pair = await createPair(service, 'ECDH', protection, 'private', ...curve);
      const ids = method === 'AsymmetricKey' ? [pair.privateKey, pair.publicKey] : [id];
      for (const [bits, type, isLong] of lengths) {
        const actual = await tryDerive(service, '2.1', { method, ids, bits, type });
        const expected = isLong || protection === none ? 'Success' : 'InvalidField';
        t.equal(actual, expected, `${method} ${protection.name} ${type} ${bits}`);
      }
    }
  }
  const id = await registerKey(service, guarded[0] as Protection);
  for (const [algorithm, bits, expected] of [
    ['RC4', 40, 'InvalidField'],
    ['DES', 56, 'InvalidField'],
    ['DES', 64, 'InvalidField'],
    ['DES3', 112, 'InvalidField'],
    ['DES3', 128, 'InvalidField'],
    ['DES3', 168, 'Success'],
    ['DES3', 192, 'Success'],
  ] as const) {
    for (const version of versions) {
      const derivation = { method: 'HMAC', ids: [id], type: 'SymmetricKey', algorithm, bits } as const;
      t.equal(await tryDerive(service, version, derivation), expected, `${version} ${algorithm} ${bits}`);
    }
  }
});

/** SHA-256 of the key and SHA-512 of the key, in every spelling of the hash. */
const spellings: readonly (readonly [parameters: object, algorithm: string, isDigest: boolean])[] = [
  [hash, 'AES', true],
  [{}, 'AES', true],
  [{ CryptographicAlgorithm: 'HMAC_SHA256' }, 'AES', true],
  [{ CryptographicAlgorithm: 'HMAC_SHA256', ...hash }, 'AES', true],
  [{ DigitalSignatureAlgorithm: 'SHA_512WithRSAEncryption' }, 'AES', true],
  [{ MaskGeneratorHashingAlgorithm: 'SHA_512' }, 'AES', true],
  [{}, 'HMAC_SHA256', true],
  [hash, 'HMAC_SHA512', true],
  [{ CryptographicAlgorithm: 'HMAC_SHA256' }, 'HMAC_SHA512', true],
  [{ HashingAlgorithm: 'SHA_512' }, 'AES', false],
  [{ CryptographicAlgorithm: 'HMAC_SHA512' }, 'AES', false],
  [{}, 'HMAC_SHA512', false],
  [{ HashingAlgorithm: 'SHA_512' }, 'HMAC_SHA256', false],
];

t.test('Derive Key makes no key that is the Digest of a protected one', async (t) => {
  for (const protection of protections) {
    for (const [CryptographicParameters, algorithm, isDigest] of spellings) {
      const id = await registerKey(service, protection, algorithm as never);
      // These fields are not sent to 1.0.
      const isOld = Object.keys(CryptographicParameters).some((field) => field !== 'HashingAlgorithm');
      for (const version of isOld ? versions.slice(1) : versions) {
        const derivation = { method: 'HASH', ids: [id], parameters: { CryptographicParameters } } as const;
        const actual = await tryDerive(service, version, derivation);
        const expected = protection === none || !isDigest ? 'Success' : reasonFor(version, protection);
        const which = `${version} ${protection.name} ${algorithm} ${JSON.stringify(CryptographicParameters)}`;
        t.equal(actual, expected, which);
      }
    }
  }
});

t.test('Derive Key makes no key that HMAC computes from a long protected one', async (t) => {
  const blocks = [
    ['SHA_1', 64],
    ['SHA_512', 128],
    ['SHA3_512', 72],
  ] as const;
  for (const protection of protections)
    for (const [HashingAlgorithm, block] of blocks)
      for (const bytes of [block, block + 1]) {
        const id = await registerSecret(service, protection, new Uint8Array(bytes).fill(9));
        const parameters = { CryptographicParameters: { HashingAlgorithm } };
        const actual = await tryDerive(service, '2.1', { method: 'HASH', ids: [id], parameters });
        const isRefused = bytes > block && protection !== none;
        const which = `${protection.name} ${HashingAlgorithm} of ${bytes} bytes`;
        t.equal(actual, isRefused ? reasonFor('2.1', protection) : 'Success', which);
      }
});

t.test('a short result is refused where only the derivation data are protected', async (t) => {
  const key = await registerKey(service, none);
  for (const protection of guarded) {
    const secret = await registerSecret(service, protection);
    const parameters = { ...derivations.HMAC, DerivationData: [] };
    for (const bits of [8, 120, 128]) {
      const derivation = { method: 'HMAC', ids: [key, secret], parameters, bits } as const;
      const expected = bits < 128 ? 'InvalidField' : 'Success';
      for (const version of versions)
        t.equal(await tryDerive(service, version, derivation), expected, `${protection.name} ${bits}`);
    }
  }
});

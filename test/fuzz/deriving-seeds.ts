import { standIn } from './objects.ts';
import { aes, bytes, none, type Seed } from './values.ts';

/** Derivations by every method, and keys divided and joined by every method. */

const sha256 = { CryptographicParameters: { HashingAlgorithm: 'SHA_256' } };
const data = { DerivationData: [bytes(20)] };

const parametersOf: Readonly<Record<string, Record<string, unknown>>> = {
  PBKDF2: { ...sha256, Salt: bytes(8), IterationCount: 3 },
  HASH: sha256,
  HMAC: { ...sha256, ...data },
  ENCRYPT: {
    CryptographicParameters: { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' },
    InitializationVector: bytes(16),
    ...data,
  },
  NIST800_108_C: { CryptographicParameters: { HashingAlgorithm: 'SHA_512', CounterLength: 8 }, ...data },
  NIST800_108_F: { ...sha256, InitializationVector: bytes(32), ...data },
  NIST800_108_DPI: { CryptographicParameters: { BlockCipherMode: 'CMAC' }, ...data },
  AsymmetricKey: {},
  AWSSignatureVersion4: { DerivationData: [bytes(8), bytes(9), bytes(3)] },
  HKDF: { ...sha256, Salt: bytes(8), ...data },
};

const derivations = Object.entries(parametersOf).map(([DerivationMethod, parameters]): Seed => {
  const pair = [standIn('EC private key'), standIn('EC public key')];
  return {
    operation: 'DeriveKey',
    request: {
      ObjectType: 'SymmetricKey',
      UniqueIdentifier: DerivationMethod === 'AsymmetricKey' ? pair : [standIn('deriving key')],
      DerivationMethod,
      DerivationParameters: { DerivationData: [], ...parameters },
      Attributes: aes(128),
    },
  };
});

const methods = [
  'XOR',
  'PolynomialSharingGF2_8',
  'PolynomialSharingGF2_16',
  'PolynomialSharingPrimeField',
] as const;

const splits = methods.flatMap((SplitKeyMethod): Seed[] =>
  [standIn('AES key'), undefined].map((UniqueIdentifier) => ({
    operation: 'CreateSplitKey',
    request: {
      ObjectType: 'SplitKey',
      UniqueIdentifier,
      SplitKeyParts: 3,
      SplitKeyThreshold: SplitKeyMethod === 'XOR' ? 3 : 2,
      SplitKeyMethod,
      // 2^521 - 1 is larger than every key.
      PrimeFieldSize: SplitKeyMethod.endsWith('PrimeField')
        ? new Uint8Array(66).fill(255, 1).fill(1, 0, 1)
        : undefined,
      Attributes: UniqueIdentifier === undefined ? aes(128) : none,
    },
  })),
);

const joins = ['SymmetricKey', 'PrivateKey', 'SecretData'].map(
  (ObjectType): Seed => ({
    operation: 'JoinSplitKey',
    request: {
      ObjectType,
      UniqueIdentifier: [standIn('first part'), standIn('second part')],
      SecretDataType: ObjectType === 'SecretData' ? 'Password' : undefined,
      Attributes: none,
    },
  }),
);

export const derivingSeeds: readonly Seed[] = [...derivations, ...splits, ...joins];

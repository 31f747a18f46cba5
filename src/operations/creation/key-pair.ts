import type { Attribute } from '../../../codec/attribute.ts';
import type { CryptographicAlgorithm, KeyFormatType, RecommendedCurve } from '../../../codec/enums.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import { isPostQuantum } from '../../crypto/algorithms.ts';
import type { PlainKey } from '../../crypto/plain-key.ts';
import type { CryptoProvider, KeyPairRequest } from '../../crypto/provider.ts';
import { requireQuantumSafety } from '../../object/quantum-safety.ts';
import { algorithmOf, valueOf } from '../new-object.ts';
import { defaultCurve, defaultLength } from './defaults.ts';

/** Formats in which generated pairs are stored, chosen so that every version of the protocol knows them. */
const storedFormats: Partial<Record<string, { private: KeyFormatType; public: KeyFormatType }>> = {
  RSA: { private: 'PKCS_1', public: 'PKCS_1' },
  EC: { private: 'ECPrivateKey', public: 'X_509' },
  ECDSA: { private: 'ECPrivateKey', public: 'X_509' },
  ECDH: { private: 'ECPrivateKey', public: 'X_509' },
  ECMQV: { private: 'ECPrivateKey', public: 'X_509' },
};

/** ECPrivateKey holds a number, and the keys of RFC 7748 are byte strings, so these are stored as PKCS#8. */
function chooseFormats(request: KeyPairRequest): { private: KeyFormatType; public: KeyFormatType } {
  const bytes = 'curve' in request && ['CURVE25519', 'CURVE448'].includes(String(request.curve));
  const formats = bytes ? undefined : storedFormats[request.algorithm];
  return formats ?? { private: 'PKCS_8', public: 'X_509' };
}

/**
 * Bits from which generating a pair is slow: the search for primes takes a second as a rule and many seconds
 * at times. DH uses primes of fixed groups, and curves need none.
 */
const slowFrom: Partial<Record<string, number>> = { RSA: 4096, DSA: 3072 };

/** Whether generating such a pair may take longer than clients wait. */
export function isSlowPair(algorithm: CryptographicAlgorithm | undefined, bits: number | undefined): boolean {
  return (bits ?? 0) >= (slowFrom[String(algorithm)] ?? Number.POSITIVE_INFINITY);
}

/**
 * Generates both halves of a pair from the effective attributes of each; algorithm and length must be the
 * same in both.
 * @throws {KmipError} InvalidField for contradictory or unsupported attributes
 */
export async function generatePairValues(
  privateAttributes: readonly Attribute[],
  publicAttributes: readonly Attribute[],
  crypto: CryptoProvider,
): Promise<{ privateKey: ManagedObjectValue; publicKey: ManagedObjectValue }> {
  const algorithm = algorithmOf(privateAttributes);
  for (const name of ['CryptographicAlgorithm', 'CryptographicLength'] as const) {
    if (valueOf(privateAttributes, name) !== valueOf(publicAttributes, name)) {
      fail('InvalidField', `${name} must be the same for both halves of the pair`);
    }
  }
  // Checked first, because generating a pair that its attributes refuse may cost seconds.
  const quantumSafe = [privateAttributes, publicAttributes].some(
    (half) => valueOf(half, 'QuantumSafe') === true,
  );
  requireQuantumSafety(quantumSafe, algorithm, valueOf(privateAttributes, 'CryptographicLength'));
  const request = buildPairRequest(algorithm, privateAttributes);
  const pair = await crypto.generateKeyPair(request);
  const formats = chooseFormats(request);
  const encodeHalf = (
    type: 'PrivateKey' | 'PublicKey',
    der: Uint8Array,
    generatedFormat: KeyFormatType,
    kept: KeyFormatType,
  ) => {
    const key: PlainKey = {
      objectType: type,
      KeyFormatType: generatedFormat,
      KeyMaterial: der,
      CryptographicAlgorithm: algorithm,
    };
    const material = kept === generatedFormat ? der : crypto.convertKey(key, kept);
    const KeyBlock = {
      KeyFormatType: kept,
      KeyValue: { KeyMaterial: material, Attributes: [] },
      CryptographicAlgorithm: algorithm,
      CryptographicLength: pair.bits,
    };
    return { type, value: { KeyBlock } } as const;
  };
  return {
    privateKey: encodeHalf('PrivateKey', pair.privateKey, 'PKCS_8', formats.private),
    publicKey: encodeHalf('PublicKey', pair.publicKey, 'X_509', formats.public),
  };
}

function buildPairRequest(
  algorithm: CryptographicAlgorithm,
  attributes: readonly Attribute[],
): KeyPairRequest {
  const length = valueOf(attributes, 'CryptographicLength');
  const bits = length ?? defaultLength(algorithm) ?? 0;
  const domain = valueOf(attributes, 'CryptographicDomainParameters');
  switch (algorithm) {
    case 'RSA':
      return { algorithm, bits };
    case 'DSA':
      return { algorithm, bits, ...(domain?.Qlength === undefined ? {} : { qLength: domain.Qlength }) };
    case 'DH':
      return { algorithm, bits };
    case 'Ed25519':
    case 'Ed448':
      return { algorithm };
    case 'EC':
    case 'ECDSA':
    case 'ECDH':
    case 'ECMQV':
      return { algorithm, curve: chooseCurve(domain?.RecommendedCurve, length) };
    default:
      if (isPostQuantum(algorithm)) return { algorithm, bits: length };
      fail('InvalidField', `${algorithm} is not an algorithm of key pairs`);
  }
}

function chooseCurve(stated: RecommendedCurve | undefined, bits: number | undefined): RecommendedCurve {
  return (
    stated ??
    defaultCurve(bits) ??
    fail('InvalidField', `no default curve has a Cryptographic Length of ${bits}`)
  );
}

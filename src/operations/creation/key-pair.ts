import type { Attribute } from '../../../codec/attribute.ts';
import type { CryptographicAlgorithm, KeyFormatType, RecommendedCurve } from '../../../codec/enums.ts';
import type { KeyedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import { isPostQuantum } from '../../crypto/algorithms.ts';
import type { CryptoProvider, KeyPairRequest } from '../../crypto/provider.ts';
import { requireQuantumSafety } from '../../object/quantum-safety.ts';
import { algorithmOf, valueOf } from '../new-object.ts';
import { defaultCurve, defaultLength } from './defaults.ts';
import { convertToStated } from './stated-formats.ts';

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

/** What a request demands of one half of a pair. */
export interface HalfSpecification {
  /** Those of its attributes that the request states. */
  readonly stated?: readonly Attribute[];
  /** The effective attributes of the half. */
  readonly attributes: readonly Attribute[];
  /** Key Format Type that is stated for this half alone. */
  readonly format: KeyFormatType | undefined;
  /** Key Format Type to use unless the client states one that can hold the half. */
  readonly preferred: KeyFormatType | undefined;
}

/** What a request demands of a pair. */
export interface PairSpecification {
  readonly privateKey: HalfSpecification;
  readonly publicKey: HalfSpecification;
  /** Key Format Type that is stated for both halves: it applies to those that it can hold. */
  readonly commonFormat: KeyFormatType | undefined;
}

/**
 * Generates both halves of a pair; algorithm and length must be the same in both.
 * @throws {KmipError} InvalidField for contradictory or unsupported attributes, KeyFormatTypeNotSupported for
 *   formats that cannot hold the keys
 */
export async function generatePairValues(
  specification: PairSpecification,
  crypto: CryptoProvider,
): Promise<{ privateKey: KeyedObjectValue; publicKey: KeyedObjectValue }> {
  const { algorithm, request } = requestedPair(specification);
  const { privateKey, publicKey, commonFormat } = specification;
  const pair = await crypto.generateKeyPair(request);
  const defaults = chooseFormats(request);
  const form = { algorithm, bits: pair.bits, commonFormat };
  const made = {
    privateKey: encodeHalf(
      { type: 'PrivateKey', KeyMaterial: pair.privateKey, KeyFormatType: 'PKCS_8' },
      { ...form, half: privateKey, fallback: defaults.private },
      crypto,
    ),
    publicKey: encodeHalf(
      { type: 'PublicKey', KeyMaterial: pair.publicKey, KeyFormatType: 'X_509' },
      { ...form, half: publicKey, fallback: defaults.public },
      crypto,
    ),
  };
  const open = [
    ...(privateKey.format === undefined ? [made.privateKey] : []),
    ...(publicKey.format === undefined ? [made.publicKey] : []),
  ];
  const fits = open.some(({ value: { KeyBlock } }) => KeyBlock.KeyFormatType === commonFormat);
  if (commonFormat !== undefined && open.length > 0 && !fits)
    fail('KeyFormatTypeNotSupported', `Key Format Type ${commonFormat} cannot hold these keys`);
  return made;
}

/** A pair as it is asked for. */
export interface RequestedPair {
  readonly algorithm: CryptographicAlgorithm;
  readonly request: KeyPairRequest;
}

/**
 * Returns the pair to make, before anything is made.
 * @throws {KmipError} InvalidField for contradictory or unsupported attributes
 */
export function requestedPair({ privateKey, publicKey }: PairSpecification): RequestedPair {
  const { attributes: privateAttributes } = privateKey;
  const { attributes: publicAttributes } = publicKey;
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
  return { algorithm, request: buildPairRequest(algorithm, privateAttributes) };
}

interface HalfMaterial {
  readonly type: 'PrivateKey' | 'PublicKey';
  readonly KeyMaterial: Uint8Array;
  readonly KeyFormatType: KeyFormatType;
}

interface HalfForm {
  readonly algorithm: CryptographicAlgorithm;
  readonly bits: number;
  readonly half: HalfSpecification;
  readonly commonFormat: KeyFormatType | undefined;
  readonly fallback: KeyFormatType;
}

function encodeHalf(
  { type, KeyMaterial, KeyFormatType }: HalfMaterial,
  { algorithm, bits, half: { format, preferred }, commonFormat, fallback }: HalfForm,
  crypto: CryptoProvider,
): KeyedObjectValue {
  const KeyBlock = {
    KeyFormatType,
    KeyValue: { KeyMaterial, Attributes: [] },
    CryptographicAlgorithm: algorithm,
    CryptographicLength: bits,
  };
  const formats = { required: format, preferred: [commonFormat, preferred, fallback] };
  return convertToStated({ type, value: { KeyBlock } }, formats, crypto);
}

/**
 * Returns the public half of a pair that was made elsewhere, from its SubjectPublicKeyInfo.
 * @throws {KmipError} KeyFormatTypeNotSupported for formats that cannot hold it
 */
export function encodePublicHalf(
  KeyMaterial: Uint8Array,
  { request, algorithm, bits }: RequestedPair & { readonly bits: number },
  half: HalfSpecification,
  commonFormat: KeyFormatType | undefined,
  crypto: CryptoProvider,
): KeyedObjectValue {
  const form = { algorithm, bits, half, commonFormat, fallback: chooseFormats(request).public };
  return encodeHalf({ type: 'PublicKey', KeyMaterial, KeyFormatType: 'X_509' }, form, crypto);
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

import type { CryptographicAlgorithm } from '../../../codec/enums.ts';
import { acceptsLength, algorithmKind, isPostQuantum, keyBits, keyBytes, xWing } from '../algorithms.ts';
import { InvalidKeyMaterialError, UnsupportedKeyFormatError } from '../errors.ts';
import type { PlainKey } from '../plain-key.ts';
import type { KeyDescription } from '../provider.ts';
import type { ByteKeyType } from './byte-keys.ts';
import { computePublicPoint, convertPoint } from './elliptic.ts';
import { bitLength, type KeyComponents } from './key-components.ts';
import { type FormatName, readKey } from './key-format.ts';
import { createKeyObject } from './key-objects.ts';
import { readXWingPublicKey } from './x-wing.ts';

/** What a key's material says about the key, and whether its Key Block says the same. */

type Algorithm = Exclude<CryptographicAlgorithm, number>;

/** Algorithms that a key of that kind may be for; the first is meant when nobody says. */
const algorithmsOf: Record<
  Exclude<KeyComponents['kind'], 'symmetric' | 'bytePublic' | 'bytePrivate'>,
  readonly Algorithm[]
> = {
  rsaPublic: ['RSA'],
  rsaPrivate: ['RSA'],
  ecPublic: ['EC', 'ECDSA', 'ECDH', 'ECMQV'],
  ecPrivate: ['EC', 'ECDSA', 'ECDH', 'ECMQV'],
  dsaPublic: ['DSA'],
  dsaPrivate: ['DSA'],
  dhPublic: ['DH'],
  dhPrivate: ['DH'],
};

/** Algorithms that the names of formats tell. */
const algorithmOfFormat: Partial<Record<FormatName, Algorithm>> = {
  TransparentECDSAPrivateKey: 'ECDSA',
  TransparentECDSAPublicKey: 'ECDSA',
  TransparentECDHPrivateKey: 'ECDH',
  TransparentECDHPublicKey: 'ECDH',
  TransparentECMQVPrivateKey: 'ECMQV',
  TransparentECMQVPublicKey: 'ECMQV',
};

/** See CryptoProvider.describeKey. */
export function describeKey(key: PlainKey): KeyDescription {
  const { CryptographicAlgorithm, CryptographicLength } = key;
  const components = readDescribable(key);
  if (components === undefined) return { CryptographicAlgorithm, CryptographicLength };
  const description = describe(key, components);
  checkClaims(key, components, description);
  const { CryptographicLength: derived } = description;
  // The client's count of a DES key, with parity or without, is as good as ours; so is that of a post-quantum
  // key.
  return components.kind === 'symmetric' || isPostQuantum(description.CryptographicAlgorithm)
    ? { ...description, CryptographicLength: CryptographicLength ?? derived }
    : description;
}

/**
 * Components, checked as far as a stored key is; undefined for keys that nobody but their owner understands.
 */
function readDescribable(key: PlainKey): KeyComponents | undefined {
  try {
    const components = readKey(key);
    if (components?.kind === 'ecPublic') convertPoint(components.curve, components.point, 'uncompressed');
    if (components?.kind === 'ecPrivate') computePublicPoint(components.curve, components.d);
    // What only OpenSSL can tell: whether seed, expanded key and the digests in it belong together (FIPS 203
    // §7.2, §7.3).
    if (components !== undefined && 'type' in components && isPostQuantum(components.type.algorithm)) {
      if (components.type.algorithm !== xWing) createKeyObject(key);
      else if (components.kind === 'bytePublic') readXWingPublicKey(components.key);
    }
    return components;
  } catch (error) {
    // A curve or algorithm outside KMIP's tables: well-formed, so it is kept, with what the client says about
    // it.
    if (error instanceof UnsupportedKeyFormatError) return undefined;
    throw error;
  }
}

function describe(key: PlainKey, components: KeyComponents): KeyDescription {
  const { KeyFormatType: format, CryptographicAlgorithm: claimed } = key;
  const formatAlgorithm = typeof format === 'string' ? algorithmOfFormat[format] : undefined;
  switch (components.kind) {
    case 'symmetric':
      return {
        CryptographicAlgorithm: claimed,
        CryptographicLength: keyBits(claimed, components.key.length),
      };
    case 'bytePublic':
    case 'bytePrivate':
      return describeByteKey(components.type, claimed);
    default: {
      const [usual] = algorithmsOf[components.kind];
      return { CryptographicAlgorithm: claimed ?? formatAlgorithm ?? usual, ...describeNumbers(components) };
    }
  }
}

function describeNumbers(
  key: Exclude<KeyComponents, { kind: 'symmetric' | 'bytePublic' | 'bytePrivate' }>,
): KeyDescription {
  switch (key.kind) {
    case 'rsaPublic':
    case 'rsaPrivate':
      return { CryptographicLength: bitLength(key.n) };
    case 'ecPublic':
    case 'ecPrivate':
      return {
        CryptographicLength: key.curve.bits,
        CryptographicDomainParameters: { RecommendedCurve: key.curve.name },
      };
    default: {
      const domain =
        key.q === undefined ? {} : { CryptographicDomainParameters: { Qlength: bitLength(key.q) } };
      return { CryptographicLength: bitLength(key.p), ...domain };
    }
  }
}

function describeByteKey(type: ByteKeyType, claimed: CryptographicAlgorithm | undefined): KeyDescription {
  return {
    CryptographicAlgorithm: claimed ?? type.algorithm,
    CryptographicLength: type.bits,
    ...(type.name === undefined ? {} : { CryptographicDomainParameters: { RecommendedCurve: type.name } }),
  };
}

/**
 * Algorithm and length must be those of the material, or Locate and every check of strength would believe a
 * lie.
 */
function checkClaims(key: PlainKey, components: KeyComponents, derived: KeyDescription): void {
  const { CryptographicAlgorithm: algorithm, CryptographicLength: bits } = key;
  if (components.kind === 'symmetric') {
    if (algorithm !== undefined && algorithmKind(algorithm) === 'publicKey') {
      throw new InvalidKeyMaterialError(`a symmetric key cannot be for ${algorithm}`);
    }
    if (bits !== undefined && keyBytes(algorithm, bits) !== components.key.length) {
      throw new InvalidKeyMaterialError(
        `Cryptographic Length ${bits} is not that of ${components.key.length} bytes of key`,
      );
    }
    return;
  }
  if (algorithm !== undefined && !possibleAlgorithms(components).includes(algorithm)) {
    throw new InvalidKeyMaterialError(`the key is not one for ${algorithm}`);
  }
  const length = derived.CryptographicLength ?? 0;
  if (isPostQuantum(derived.CryptographicAlgorithm)) {
    if (bits === undefined || acceptsLength(derived.CryptographicAlgorithm, bits)) return;
    throw new InvalidKeyMaterialError(
      `Cryptographic Length ${bits} is not one of ${derived.CryptographicAlgorithm}`,
    );
  }
  if (!acceptsLength(derived.CryptographicAlgorithm ?? 'RSA', length)) {
    throw new InvalidKeyMaterialError(
      `a ${derived.CryptographicAlgorithm} key of ${length} bits is outside the limits`,
    );
  }
  // Some clients count whole bytes: 528 for P-521, 2048 for a modulus that happens to have 2047 bits.
  if (bits !== undefined && bits !== length && bits !== Math.ceil(length / 8) * 8) {
    throw new InvalidKeyMaterialError(
      `Cryptographic Length ${bits} is not that of the key material, ${length}`,
    );
  }
}

function possibleAlgorithms(
  key: Exclude<KeyComponents, { kind: 'symmetric' }>,
): readonly CryptographicAlgorithm[] {
  if (key.kind === 'bytePublic' || key.kind === 'bytePrivate') {
    return isPostQuantum(key.type.algorithm) ? [key.type.algorithm] : [key.type.algorithm, 'EC'];
  }
  return algorithmsOf[key.kind];
}

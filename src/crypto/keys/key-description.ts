import type { CryptographicAlgorithm } from '../../../codec/enums.ts';
import { xWing } from '../algorithm-table.ts';
import { acceptsLength, algorithmKind, isPostQuantum, keyBits, keyBytes } from '../algorithms.ts';
import { InvalidKeyMaterialError, UnsupportedKeyFormatError } from '../errors.ts';
import type { PlainKey } from '../plain-key.ts';
import type { KeyDescription } from '../provider.ts';
import type { ByteKeyType } from './byte-keys.ts';
import { computePublicPoint, convertPoint } from './elliptic.ts';
import { bitLength, type KeyComponents } from './key-components.ts';
import { type FormatName, readKey } from './key-format.ts';
import { createKeyObject } from './key-objects.ts';
import { readXWingPublicKey } from './x-wing.ts';

/* Attributes read from a key's material, and the check of the claims of its Key Block. */

type Algorithm = Exclude<CryptographicAlgorithm, number>;

/** Algorithms of each kind of key; the first is the default. */
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

/** Algorithms that the names of formats imply. */
const algorithmOfFormat: Partial<Record<FormatName, Algorithm>> = {
  TransparentECDSAPrivateKey: 'ECDSA',
  TransparentECDSAPublicKey: 'ECDSA',
  TransparentECDHPrivateKey: 'ECDH',
  TransparentECDHPublicKey: 'ECDH',
  TransparentECMQVPrivateKey: 'ECMQV',
  TransparentECMQVPublicKey: 'ECMQV',
};

/**
 * Reads algorithm, length and domain parameters from a key's material; claims where the material is not
 * readable.
 * @throws {InvalidKeyMaterialError} when the material contradicts its format, object type or claims
 */
export function describeKey(key: PlainKey): KeyDescription {
  const { CryptographicAlgorithm, CryptographicLength } = key;
  const components = readDescribable(key);
  if (components === undefined) return { CryptographicAlgorithm, CryptographicLength };
  const description = describe(key, components);
  checkClaims(key, components, description);
  const { CryptographicLength: derived } = description;
  // The client's count of a DES key, with parity or without, is kept; so is that of a post-quantum key.
  return components.kind === 'symmetric' || isPostQuantum(description.CryptographicAlgorithm)
    ? { ...description, CryptographicLength: CryptographicLength ?? derived }
    : description;
}

/**
 * Reads and checks components as far as a stored key is checked; undefined for keys that only their owner can
 * read.
 */
function readDescribable(key: PlainKey): KeyComponents | undefined {
  try {
    const components = readKey(key);
    if (components?.kind === 'ecPublic') convertPoint(components.curve, components.point, 'uncompressed');
    if (components?.kind === 'ecPrivate') computePublicPoint(components.curve, components.d);
    // Only OpenSSL can check that seed, expanded key and the digests in it fit each other (FIPS 203 §7.2,
    // §7.3).
    if (components !== undefined && 'type' in components && isPostQuantum(components.type.algorithm)) {
      if (components.type.algorithm !== xWing) createKeyObject(key);
      else if (components.kind === 'bytePublic') readXWingPublicKey(components.key);
    }
    return components;
  } catch (error) {
    // A curve or algorithm outside KMIP's tables: the key is well-formed, so it is stored with the client's
    // claims.
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
      const [defaultAlgorithm] = algorithmsOf[components.kind];
      return {
        CryptographicAlgorithm: claimed ?? formatAlgorithm ?? defaultAlgorithm,
        ...describeNumbers(components),
      };
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

/** Requires algorithm and length of the material, because Locate and every check of strength rely on them. */
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
  // Some clients count whole bytes: 528 for P-521, 2048 for a modulus of 2047 bits.
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

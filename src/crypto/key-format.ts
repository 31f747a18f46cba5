import type { CryptographicAlgorithm, KeyCompressionType, KeyFormatType } from '../../codec/enums.ts';
import type { KeyMaterial } from '../../codec/structures/key-block.ts';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import { acceptsLength, algorithmKind, keyBits, keyBytes } from './algorithms.ts';
import { type ByteCurve, byteCurves } from './curves.ts';
import { DerInvalid } from './der.ts';
import {
  readEcPrivateKey,
  readPkcs8,
  readRsaPrivateKey,
  readRsaPublicKey,
  readSpki,
  writeEcPrivateKey,
  writePkcs8,
  writeRsaPrivateKey,
  writeRsaPublicKey,
  writeSpki,
} from './der-keys.ts';
import { convertPoint, type PointForm, pointForm, publicPoint } from './elliptic.ts';
import { bitLength, type KeyComponents } from './key-components.ts';
import {
  KeyCompressionUnsupported,
  type KeyDescription,
  KeyFormatUnsupported,
  KeyMaterialInvalid,
  type PlainKey,
} from './provider.ts';
import { completeRsa } from './rsa.ts';
import { isTransparent, readTransparent, writeTransparent } from './transparent-keys.ts';

/** Key formats (KMIP 2.1 §11.25, 1.4 §9.1.3.2.3): what a key's material says, and the same key in another format. */

type FormatName = Exclude<KeyFormatType, number>;
type Algorithm = Exclude<CryptographicAlgorithm, number>;

const publicFormats: readonly FormatName[] = [
  'Raw',
  'Opaque',
  'PKCS_1',
  'X_509',
  'TransparentRSAPublicKey',
  'TransparentDSAPublicKey',
  'TransparentDHPublicKey',
  'TransparentECPublicKey',
  'TransparentECDSAPublicKey',
  'TransparentECDHPublicKey',
  'TransparentECMQVPublicKey',
];

const privateFormats: readonly FormatName[] = [
  'Raw',
  'Opaque',
  'PKCS_1',
  'PKCS_8',
  'PKCS_12',
  'ECPrivateKey',
  'TransparentRSAPrivateKey',
  'TransparentDSAPrivateKey',
  'TransparentDHPrivateKey',
  'TransparentECPrivateKey',
  'TransparentECDSAPrivateKey',
  'TransparentECDHPrivateKey',
  'TransparentECMQVPrivateKey',
];

/** Formats of the object types whose material is looked into; the others (secret data, key parts, PGP) are kept as they come. */
const formatsOf: Partial<Record<ObjectTypeName, readonly FormatName[]>> = {
  SymmetricKey: ['Raw', 'Opaque', 'TransparentSymmetricKey'],
  PublicKey: publicFormats,
  PrivateKey: privateFormats,
};

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
  // The client's count of a DES key, with parity or without, is as good as ours.
  return components.kind === 'symmetric'
    ? { ...description, CryptographicLength: CryptographicLength ?? derived }
    : description;
}

/** Components, checked as far as a stored key is; undefined for keys that nobody but their owner understands. */
function readDescribable(key: PlainKey): KeyComponents | undefined {
  try {
    const components = readKey(key);
    if (components?.kind === 'ecPublic') convertPoint(components.curve, components.point, 'uncompressed');
    if (components?.kind === 'ecPrivate') publicPoint(components.curve, components.d);
    return components;
  } catch (error) {
    // A curve or algorithm outside KMIP's tables: well-formed, so it is kept, with what the client says about it.
    if (error instanceof KeyFormatUnsupported) return undefined;
    throw error;
  }
}

function describe(key: PlainKey, components: KeyComponents): KeyDescription {
  const { KeyFormatType: format, CryptographicAlgorithm: claimed } = key;
  const told = typeof format === 'string' ? algorithmOfFormat[format] : undefined;
  switch (components.kind) {
    case 'symmetric':
      return {
        CryptographicAlgorithm: claimed,
        CryptographicLength: keyBits(claimed, components.key.length),
      };
    case 'bytePublic':
    case 'bytePrivate':
      return describeByteKey(components.curve, claimed);
    default: {
      const [usual] = algorithmsOf[components.kind];
      return { CryptographicAlgorithm: claimed ?? told ?? usual, ...describeNumbers(components) };
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

function describeByteKey(curve: ByteCurve, claimed: CryptographicAlgorithm | undefined): KeyDescription {
  return {
    CryptographicAlgorithm: claimed ?? curve.algorithm,
    CryptographicLength: curve.bits,
    ...(curve.name === undefined ? {} : { CryptographicDomainParameters: { RecommendedCurve: curve.name } }),
  };
}

/** Algorithm and length must be those of the material, or Locate and every check of strength would believe a lie. */
function checkClaims(key: PlainKey, components: KeyComponents, derived: KeyDescription): void {
  const { CryptographicAlgorithm: algorithm, CryptographicLength: bits } = key;
  if (components.kind === 'symmetric') {
    if (algorithm !== undefined && algorithmKind(algorithm) === 'publicKey') {
      throw new KeyMaterialInvalid(`a symmetric key cannot be for ${algorithm}`);
    }
    if (bits !== undefined && keyBytes(algorithm, bits) !== components.key.length) {
      throw new KeyMaterialInvalid(
        `Cryptographic Length ${bits} is not that of ${components.key.length} bytes of key`,
      );
    }
    return;
  }
  if (algorithm !== undefined && !possibleAlgorithms(components).includes(algorithm)) {
    throw new KeyMaterialInvalid(`the key is not one for ${algorithm}`);
  }
  const length = derived.CryptographicLength ?? 0;
  if (!acceptsLength(derived.CryptographicAlgorithm ?? 'RSA', length)) {
    throw new KeyMaterialInvalid(
      `a ${derived.CryptographicAlgorithm} key of ${length} bits is outside the limits`,
    );
  }
  // Some clients count whole bytes: 528 for P-521, 2048 for a modulus that happens to have 2047 bits.
  if (bits !== undefined && bits !== length && bits !== Math.ceil(length / 8) * 8) {
    throw new KeyMaterialInvalid(`Cryptographic Length ${bits} is not that of the key material, ${length}`);
  }
}

function possibleAlgorithms(
  key: Exclude<KeyComponents, { kind: 'symmetric' }>,
): readonly CryptographicAlgorithm[] {
  if (key.kind === 'bytePublic' || key.kind === 'bytePrivate') return [key.curve.algorithm, 'EC'];
  return algorithmsOf[key.kind];
}

/** Components of a key; undefined when its material is not ours to understand. Throws KeyMaterialInvalid, KeyFormatUnsupported. */
function readKey(key: PlainKey): KeyComponents | undefined {
  const { objectType, KeyFormatType: format, KeyMaterial: material } = key;
  const formats = formatsOf[objectType];
  if (formats === undefined || typeof format === 'number') return undefined;
  if (!formats.includes(format))
    throw new KeyMaterialInvalid(`a ${objectType} cannot have Key Format Type ${format}`);
  if (isTransparent(format)) {
    if (material instanceof Uint8Array)
      throw new KeyMaterialInvalid(`Key Material of ${format} must be a structure`);
    return readTransparent(format, material);
  }
  if (!(material instanceof Uint8Array))
    throw new KeyMaterialInvalid(`Key Material of ${format} must be a byte string`);
  if (material.length === 0) throw new KeyMaterialInvalid('Key Material is empty');
  try {
    return readBytes(key, format, material);
  } catch (error) {
    if (error instanceof DerInvalid)
      throw new KeyMaterialInvalid(`Key Material is not ${format}: ${error.message}`);
    throw error;
  }
}

function readBytes(key: PlainKey, format: FormatName, material: Uint8Array): KeyComponents | undefined {
  const isPublic = key.objectType === 'PublicKey';
  switch (format) {
    case 'Raw':
      return key.objectType === 'SymmetricKey'
        ? { kind: 'symmetric', key: material }
        : readRaw(key, material);
    case 'PKCS_1':
      return isPublic ? readRsaPublicKey(material) : readRsaPrivateKey(material);
    case 'PKCS_8':
      return readPkcs8(material);
    case 'X_509':
      return readSpki(material);
    case 'ECPrivateKey':
      return readEcPrivateKey(material);
    default:
      return undefined;
  }
}

/** Raw asymmetric keys have a defined meaning only where the key is a byte string by nature (RFC 8032). */
function readRaw(key: PlainKey, material: Uint8Array): KeyComponents | undefined {
  const curve = byteCurves.find(
    ({ algorithm, name }) => algorithm === key.CryptographicAlgorithm && name === undefined,
  );
  if (curve === undefined) return undefined;
  if (material.length !== curve.bytes)
    throw new KeyMaterialInvalid(`the key has ${material.length} bytes, not ${curve.bytes}`);
  return { kind: key.objectType === 'PublicKey' ? 'bytePublic' : 'bytePrivate', curve, key: material };
}

/** See CryptoProvider.convertKey. */
export function convertKey(
  key: PlainKey,
  format: KeyFormatType,
  compression?: KeyCompressionType,
): KeyMaterial {
  if (format === key.KeyFormatType && compression === undefined) return copy(key.KeyMaterial);
  const components = readKey(key);
  const form = compression === undefined ? 'uncompressed' : pointForm(compression);
  if (compression !== undefined && components?.kind !== 'ecPublic') {
    throw new KeyCompressionUnsupported('only public keys on elliptic curves can be compressed');
  }
  const material = components && typeof format === 'string' ? writeKey(components, format, form) : undefined;
  if (material !== undefined) return material;
  throw new KeyFormatUnsupported(
    `this ${key.objectType} in format ${key.KeyFormatType} cannot be given as ${format}`,
  );
}

function writeKey(key: KeyComponents, format: FormatName, form: PointForm): KeyMaterial | undefined {
  if (isTransparent(format)) return writeTransparent(format, key, form);
  switch (format) {
    case 'Raw':
      return key.kind === 'symmetric' || key.kind === 'bytePublic' || key.kind === 'bytePrivate'
        ? new Uint8Array(key.key)
        : undefined;
    case 'PKCS_1':
      if (key.kind === 'rsaPublic') return writeRsaPublicKey(key);
      return key.kind === 'rsaPrivate' ? writeRsaPrivateKey(completeRsa(key)) : undefined;
    case 'PKCS_8':
      return writePkcs8(key);
    case 'X_509':
      return writeSpki(
        key.kind === 'ecPublic' ? { ...key, point: convertPoint(key.curve, key.point, form) } : key,
      );
    case 'ECPrivateKey':
      return key.kind === 'ecPrivate' ? writeEcPrivateKey(key) : undefined;
    default:
      return undefined;
  }
}

function copy(material: KeyMaterial): KeyMaterial {
  if (material instanceof Uint8Array) return new Uint8Array(material);
  const fields = Object.entries(material);
  return Object.fromEntries(
    fields.map(([field, value]) => [field, value instanceof Uint8Array ? new Uint8Array(value) : value]),
  );
}

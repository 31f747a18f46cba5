import type { KeyCompressionType, KeyFormatType } from '../../../codec/enums.ts';
import type { KeyMaterial } from '../../../codec/structures/key-block.ts';
import type { ObjectTypeName } from '../../../codec/structures/managed-objects.ts';
import { keyBytes } from '../algorithms.ts';
import { InvalidDerError } from '../asn1/der.ts';
import {
  InvalidKeyMaterialError,
  UnsupportedKeyCompressionError,
  UnsupportedKeyFormatError,
} from '../errors.ts';
import type { PlainKey } from '../plain-key.ts';
import { findTypeOfAlgorithm, requireKeyLength } from './byte-keys.ts';
import { findDerFormat, findFormatOfBytes } from './der-format.ts';
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
import { convertPoint, type PointForm, requirePointForm } from './elliptic.ts';
import type { KeyComponents } from './key-components.ts';
import { completeRsaKey } from './rsa.ts';
import { isTransparent, readTransparent, writeTransparent } from './transparent-keys.ts';

/* Key formats (KMIP 2.1 §11.25, 1.4 §9.1.3.2.3): reading and writing each of them. */

/** The key formats that KMIP names. */
export type FormatName = Exclude<KeyFormatType, number>;

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

/** Formats by object type; the material of other types (secret data, key parts, PGP) is stored unread. */
const formatsOf: Partial<Record<ObjectTypeName, readonly FormatName[]>> = {
  SymmetricKey: ['Raw', 'Opaque', 'TransparentSymmetricKey'],
  PublicKey: publicFormats,
  PrivateKey: privateFormats,
};

/**
 * Reads the components of a key; undefined when the server does not read such material.
 * @throws {InvalidKeyMaterialError} when the material contradicts its format or object type
 * @throws {UnsupportedKeyFormatError} when its algorithm or curve is not supported
 */
export function readKey(key: PlainKey): KeyComponents | undefined {
  const { objectType, KeyFormatType: format, KeyMaterial: material } = key;
  const formats = formatsOf[objectType];
  if (formats === undefined || typeof format === 'number') return undefined;
  if (!formats.includes(format))
    throw new InvalidKeyMaterialError(`a ${objectType} cannot have Key Format Type ${format}`);
  if (isRawSymmetric(key)) return { kind: 'symmetric', key: key.KeyMaterial as Uint8Array };
  if (isTransparent(format)) {
    if (material instanceof Uint8Array)
      throw new InvalidKeyMaterialError(`Key Material of ${format} must be a structure`);
    return requireWithinLimits(readTransparent(format, material));
  }
  if (!(material instanceof Uint8Array))
    throw new InvalidKeyMaterialError(`Key Material of ${format} must be a byte string`);
  if (material.length === 0) throw new InvalidKeyMaterialError('Key Material is empty');
  // Some post-quantum public keys have a megabyte; the largest that the server reads is RSA of 16,384 bits
  // with 10 KiB.
  if (material.length > 65_536 && format !== 'Raw') return undefined;
  try {
    const components = readBytes(key, findFormatOfBytes(key), material);
    return components && requireWithinLimits(components);
  } catch (error) {
    if (error instanceof InvalidDerError)
      throw new InvalidKeyMaterialError(`Key Material is not ${format}: ${error.message}`);
    throw error;
  }
}

/** Whether a symmetric key is plain bytes of the claimed length, whatever its format says. */
function isRawSymmetric(key: PlainKey): boolean {
  const { objectType, KeyMaterial, CryptographicAlgorithm: algorithm, CryptographicLength: bits } = key;
  if (objectType !== 'SymmetricKey' || !(KeyMaterial instanceof Uint8Array) || KeyMaterial.length === 0)
    return false;
  return algorithm !== undefined && bits !== undefined && keyBytes(algorithm, bits) === KeyMaterial.length;
}

/**
 * Limits the numbers of a key: arithmetic with all that a message can hold would block the event loop for
 * minutes.
 */
function requireWithinLimits(key: KeyComponents): KeyComponents {
  if (key.kind === 'ecPrivate' && key.d.length > key.curve.orderBytes) {
    throw new InvalidKeyMaterialError(`the private key is too long for ${key.curve.name}`);
  }
  if (key.kind !== 'rsaPrivate' && key.kind !== 'rsaPublic') return key;
  const { kind: _, n, ...others } = key;
  if (n.length > 2_048) throw new InvalidKeyMaterialError('the RSA modulus has more than 16384 bits');
  for (const number of Object.values(others)) {
    if (number !== undefined && number.length > n.length) {
      throw new InvalidKeyMaterialError('a number of the RSA key is longer than its modulus');
    }
  }
  return key;
}

function readBytes(key: PlainKey, format: KeyFormatType, material: Uint8Array): KeyComponents | undefined {
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

/**
 * Reads an asymmetric key in format Raw: a byte string where the algorithm defines one (RFC 8032, FIPS 203 to
 * 205), otherwise DER of any format; undefined for other bytes.
 */
function readRaw(key: PlainKey, material: Uint8Array): KeyComponents | undefined {
  const format = findDerFormat(key.objectType, material);
  const unlabelled = format === undefined ? undefined : readUnlabelled(key, format, material);
  if (unlabelled !== undefined) return unlabelled;
  const type = findTypeOfAlgorithm(key.CryptographicAlgorithm);
  if (type === undefined) return undefined;
  const isPublic = key.objectType === 'PublicKey';
  requireKeyLength(type, isPublic, material);
  return { kind: isPublic ? 'bytePublic' : 'bytePrivate', type, key: material };
}

/** Reads DER that nothing but its form calls a key; undefined when it is none. */
function readUnlabelled(
  key: PlainKey,
  format: KeyFormatType,
  material: Uint8Array,
): KeyComponents | undefined {
  try {
    return readBytes(key, format, material);
  } catch (error) {
    if (error instanceof InvalidDerError || error instanceof InvalidKeyMaterialError) return undefined;
    throw error;
  }
}

/**
 * Returns key material in a format, whatever the format of its bytes is called; the result is a copy.
 * @throws {UnsupportedKeyFormatError} when there is no conversion
 * @throws {UnsupportedKeyCompressionError} when `compression` makes no sense for the key
 * @throws {InvalidKeyMaterialError} when the material contradicts its format or object type
 */
export function convertKey(
  key: PlainKey,
  format: KeyFormatType,
  compression?: KeyCompressionType,
): KeyMaterial {
  const isAsStored = format === key.KeyFormatType && findFormatOfBytes(key) === format;
  if (compression === undefined && (isAsStored || hasSameBytes(key, format)))
    return copyMaterial(key.KeyMaterial);
  const components = readKey(key);
  const form = compression === undefined ? 'uncompressed' : requirePointForm(compression);
  if (compression !== undefined && components?.kind !== 'ecPublic') {
    throw new UnsupportedKeyCompressionError('only public keys on elliptic curves can be compressed');
  }
  const material = components && typeof format === 'string' ? writeKey(components, format, form) : undefined;
  if (material !== undefined) return material;
  throw new UnsupportedKeyFormatError(
    `this ${key.objectType} is kept as ${key.KeyFormatType}: it cannot be converted to ${format}, the format asked for`,
  );
}

/** Raw and Opaque secret data are the same bytes; Raw is the default of 2.x, profiles register Opaque. */
function hasSameBytes({ objectType, KeyFormatType: from }: PlainKey, to: KeyFormatType): boolean {
  const names: readonly KeyFormatType[] = ['Raw', 'Opaque'];
  return objectType === 'SecretData' && names.includes(from) && names.includes(to);
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
      return key.kind === 'rsaPrivate' ? writeRsaPrivateKey(completeRsaKey(key)) : undefined;
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

function copyMaterial(material: KeyMaterial): KeyMaterial {
  if (material instanceof Uint8Array) return new Uint8Array(material);
  const fields = Object.entries(material);
  return Object.fromEntries(
    fields.map(([field, value]) => [field, value instanceof Uint8Array ? new Uint8Array(value) : value]),
  );
}

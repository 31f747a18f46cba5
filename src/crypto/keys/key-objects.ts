import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { CryptographicAlgorithm } from '../../../codec/enums.ts';
import { InvalidKeyMaterialError, UnsupportedAlgorithmError } from '../errors.ts';
import type { PlainKey } from '../plain-key.ts';
import { bitLength, type KeyComponents } from './key-components.ts';
import { convertKey, readKey } from './key-format.ts';
import { openPrivateKey } from './private-key-cache.ts';

/**
 * Maximum bits of an RSA modulus. Longer ones would occupy a thread for half a second with every private use.
 */
const maxModulusBits = 8_192;

/**
 * Checks a modulus before the private key is used.
 * @throws {UnsupportedAlgorithmError} when it has more than 8,192 bits
 */
export function requireShortModulus(modulus: Uint8Array): void {
  if (bitLength(modulus) > maxModulusBits) {
    throw new UnsupportedAlgorithmError(`the server uses private RSA keys of at most ${maxModulusBits} bits`);
  }
}

/**
 * Reads the components of a key that is to be used.
 * @throws {UnsupportedAlgorithmError} for formats that are stored but not read
 * @throws {InvalidKeyMaterialError} as `readKey`
 */
export function requireComponents(key: PlainKey): KeyComponents {
  const components = readKey(key);
  if (components === undefined) {
    throw new UnsupportedAlgorithmError(
      `the server cannot use a ${key.objectType} in format ${key.KeyFormatType}`,
    );
  }
  return components;
}

/**
 * Creates OpenSSL's form of an asymmetric key; that of a private RSA key comes from the cache.
 * @throws {InvalidKeyMaterialError} when OpenSSL rejects the key
 * @throws {UnsupportedKeyFormatError} when the key cannot be converted to DER
 */
export function createKeyObject(key: PlainKey): KeyObject {
  const isPublic = key.objectType === 'PublicKey';
  const der = convertKey(key, isPublic ? 'X_509' : 'PKCS_8') as Uint8Array;
  try {
    const input = Buffer.from(der.buffer, der.byteOffset, der.byteLength);
    if (isPublic) return createPublicKey({ key: input, format: 'der', type: 'spki' });
    return key.CryptographicAlgorithm === 'RSA'
      ? openPrivateKey(input)
      : createPrivateKey({ key: input, format: 'der', type: 'pkcs8' });
  } catch {
    throw new InvalidKeyMaterialError('the key cannot be used: its numbers do not make up a key');
  } finally {
    // A copy: convertKey never returns the stored bytes.
    if (!isPublic) der.fill(0);
  }
}

/** Algorithms that parameters may name for a kind of key. */
const kinds: Readonly<Record<string, readonly CryptographicAlgorithm[]>> = {
  rsaPublic: ['RSA'],
  rsaPrivate: ['RSA'],
  ecPublic: ['EC', 'ECDSA'],
  ecPrivate: ['EC', 'ECDSA'],
  dsaPublic: ['DSA'],
  dsaPrivate: ['DSA'],
};

/** Tells whether parameters that name this algorithm fit the key; true when they name none. */
export function isAlgorithmFor(
  algorithm: CryptographicAlgorithm | undefined,
  components: KeyComponents,
): boolean {
  if (algorithm === undefined) return true;
  if (components.kind === 'bytePublic' || components.kind === 'bytePrivate') {
    return algorithm === components.type.algorithm;
  }
  return kinds[components.kind]?.includes(algorithm) ?? false;
}

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { CryptographicAlgorithm } from '../../../codec/enums.ts';
import { InvalidKeyMaterialError, UnsupportedAlgorithmError } from '../errors.ts';
import type { PlainKey } from '../plain-key.ts';
import { bitLength, type KeyComponents } from './key-components.ts';
import { convertKey, readKey } from './key-format.ts';
import { openPrivateKey } from './private-key-cache.ts';

/**
 * Bits of an RSA modulus. Longer ones would hold a thread for half a second with every use of a private key.
 */
const maxModulus = 8_192;

/** For uses of private keys. Throws UnsupportedAlgorithmError. */
export function requireShortModulus(modulus: Uint8Array): void {
  if (bitLength(modulus) > maxModulus) {
    throw new UnsupportedAlgorithmError(`the server uses private RSA keys of at most ${maxModulus} bits`);
  }
}

/** The key taken apart. Throws UnsupportedAlgorithmError for formats that are kept but not understood. */
export function requireComponents(key: PlainKey): KeyComponents {
  const components = readKey(key);
  if (components === undefined) {
    throw new UnsupportedAlgorithmError(
      `the server cannot use a ${key.objectType} in format ${key.KeyFormatType}`,
    );
  }
  return components;
}

/** The key as OpenSSL holds it. Throws InvalidKeyMaterialError when OpenSSL does not want it. */
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
    // A copy: convertKey never gives out the stored bytes.
    if (!isPublic) der.fill(0);
  }
}

/** Algorithms that name the same sort of key. */
const kinds: Readonly<Record<string, readonly CryptographicAlgorithm[]>> = {
  rsaPublic: ['RSA'],
  rsaPrivate: ['RSA'],
  ecPublic: ['EC', 'ECDSA'],
  ecPrivate: ['EC', 'ECDSA'],
  dsaPublic: ['DSA'],
  dsaPrivate: ['DSA'],
};

/** Whether parameters that name this algorithm can be meant for the key. */
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

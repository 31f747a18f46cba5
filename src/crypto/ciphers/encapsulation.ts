import {
  decapsulate as decapsulateNative,
  encapsulate as encapsulateNative,
  type KeyObject,
} from 'node:crypto';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { xWing } from '../algorithms.ts';
import {
  CryptographyFailedError,
  decryptionFailed,
  InvalidParametersError,
  UnsupportedAlgorithmError,
} from '../errors.ts';
import type { KeyComponents } from '../keys/key-components.ts';
import { componentsOf, isFor, keyObject } from '../keys/key-objects.ts';
import { decapsulateXWing, encapsulateXWing } from '../keys/x-wing.ts';
import type { PlainKey } from '../plain-key.ts';
import type { Encapsulated, SealedText } from '../provider.ts';

/** Key encapsulation with ML-KEM (FIPS 203) and X-Wing. */

/** Whether such a key encapsulates, or decapsulates what its other half has encapsulated. */
export function encapsulates(key: KeyComponents): boolean {
  return 'sort' in key && key.sort.use === 'encapsulation';
}

/** See CryptoProvider.encapsulate. */
export function encapsulate(key: PlainKey, parameters: CryptographicParameters): Encapsulated {
  const components = componentsOf(key);
  if (components.kind !== 'bytePublic' || !encapsulates(components))
    throw new UnsupportedAlgorithmError('such a key does not encapsulate');
  requireAlgorithm(components, parameters);
  const isXWing = components.sort.algorithm === xWing;
  const object = isXWing ? undefined : keyObject(key);
  try {
    if (object === undefined) return encapsulateXWing(components.key);
    const { sharedKey, ciphertext } = encapsulateNative(object);
    return { sharedSecret: owned(sharedKey), ciphertext: owned(ciphertext) };
  } catch {
    // A point of low order, with which any secret would be known to all.
    throw new CryptographyFailedError('nothing can be encapsulated for this key');
  }
}

/**
 * The shared secret. A ciphertext of the right length that was not made for the key gives a secret that nobody else has
 * (FIPS 203 §6.3): that is no error.
 */
export function decapsulate(
  key: PlainKey,
  components: KeyComponents,
  parameters: CryptographicParameters,
  { data, iv, additionalData, tag }: SealedText,
): Uint8Array {
  requireAlgorithm(components, parameters);
  if (iv !== undefined || additionalData !== undefined || tag instanceof Uint8Array)
    throw new InvalidParametersError('a key that decapsulates takes the ciphertext and nothing beside it');
  const decapsulated =
    components.kind === 'bytePrivate' && components.sort.algorithm === xWing
      ? () => decapsulateXWing(components.key, data)
      : nativeDecapsulation(keyObject(key), data);
  try {
    return decapsulated();
  } catch {
    throw decryptionFailed();
  }
}

function nativeDecapsulation(key: KeyObject, ciphertext: Uint8Array): () => Uint8Array {
  return () => owned(decapsulateNative(key, ciphertext));
}

function requireAlgorithm(key: KeyComponents, { CryptographicAlgorithm }: CryptographicParameters): void {
  if (!isFor(CryptographicAlgorithm, key))
    throw new InvalidParametersError('Cryptographic Algorithm is not that of the key');
}

/** OpenSSL hands over a buffer of its own. */
function owned(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

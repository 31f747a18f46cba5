import { decapsulate as decapsulateNative, encapsulate as encapsulateNative } from 'node:crypto';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import type { KeyComponents } from './key-components.ts';
import { componentsOf, isFor, keyObject } from './key-objects.ts';
import {
  AlgorithmUnsupported,
  type Encapsulated,
  ParametersInvalid,
  type PlainKey,
  type SealedText,
  undecipherable,
} from './provider.ts';

/** Key encapsulation with ML-KEM (FIPS 203). */

/** Whether such a key encapsulates, or decapsulates what its other half has encapsulated. */
export function encapsulates(key: KeyComponents): boolean {
  return 'sort' in key && key.sort.use === 'encapsulation';
}

/** See CryptoProvider.encapsulate. */
export function encapsulate(key: PlainKey, parameters: CryptographicParameters): Encapsulated {
  const components = componentsOf(key);
  if (components.kind !== 'bytePublic' || !encapsulates(components))
    throw new AlgorithmUnsupported('such a key does not encapsulate');
  requireAlgorithm(components, parameters);
  const { sharedKey, ciphertext } = encapsulateNative(keyObject(key));
  return { sharedSecret: owned(sharedKey), ciphertext: owned(ciphertext) };
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
    throw new ParametersInvalid('a key that decapsulates takes the ciphertext and nothing beside it');
  const object = keyObject(key);
  try {
    return owned(decapsulateNative(object, data));
  } catch {
    throw undecipherable();
  }
}

function requireAlgorithm(key: KeyComponents, { CryptographicAlgorithm }: CryptographicParameters): void {
  if (!isFor(CryptographicAlgorithm, key))
    throw new ParametersInvalid('Cryptographic Algorithm is not that of the key');
}

/** OpenSSL hands over a buffer of its own. */
function owned(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

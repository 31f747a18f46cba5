import {
  decapsulate as decapsulateNative,
  encapsulate as encapsulateNative,
  type KeyObject,
} from 'node:crypto';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { xWing } from '../algorithm-table.ts';
import {
  CryptographyFailedError,
  decryptionFailed,
  InvalidParametersError,
  UnsupportedAlgorithmError,
} from '../errors.ts';
import type { KeyComponents } from '../keys/key-components.ts';
import { createKeyObject, isAlgorithmFor, requireComponents } from '../keys/key-objects.ts';
import { decapsulateXWing, encapsulateXWing } from '../keys/x-wing.ts';
import type { PlainKey } from '../plain-key.ts';
import type { Ciphertext, Encapsulation } from '../provider.ts';

/* Key encapsulation with ML-KEM (FIPS 203) and X-Wing. */

/** Tells whether the key is one half of a pair for key encapsulation. */
export function isEncapsulationKey(key: KeyComponents): boolean {
  return 'type' in key && key.type.use === 'encapsulation';
}

/**
 * Creates a shared secret and its ciphertext for the holder of the private key.
 * @throws {UnsupportedAlgorithmError} when the key is not a public key for encapsulation
 * @throws {InvalidParametersError} when the parameters name another algorithm
 * @throws {CryptographyFailedError} when the key is unfit
 */
export function encapsulateSecret(key: PlainKey, parameters: CryptographicParameters): Encapsulation {
  const components = requireComponents(key);
  if (components.kind !== 'bytePublic' || !isEncapsulationKey(components))
    throw new UnsupportedAlgorithmError('such a key does not encapsulate');
  requireAlgorithm(components, parameters);
  const isXWing = components.type.algorithm === xWing;
  const object = isXWing ? undefined : createKeyObject(key);
  try {
    if (object === undefined) return encapsulateXWing(components.key);
    const { sharedKey, ciphertext } = encapsulateNative(object);
    return { sharedSecret: toUint8Array(sharedKey), ciphertext: toUint8Array(ciphertext) };
  } catch {
    // A point of low order, with which everybody would know the secret.
    throw new CryptographyFailedError('nothing can be encapsulated for this key');
  }
}

/**
 * Recovers the shared secret. A ciphertext of the right length that was made for another key is no error: it
 * yields a random secret (FIPS 203 §6.3).
 * @throws {InvalidParametersError} when the parameters name another algorithm, or there is more than a
 * ciphertext
 * @throws {CryptographyFailedError} as `decryptionFailed()`, for a ciphertext of another length
 */
export function decapsulateSecret(
  key: PlainKey,
  components: KeyComponents,
  parameters: CryptographicParameters,
  { data, iv, additionalData, tag }: Ciphertext,
): Uint8Array {
  requireAlgorithm(components, parameters);
  if (iv !== undefined || additionalData !== undefined || tag instanceof Uint8Array)
    throw new InvalidParametersError('a key that decapsulates takes the ciphertext and nothing beside it');
  const run =
    components.kind === 'bytePrivate' && components.type.algorithm === xWing
      ? () => decapsulateXWing(components.key, data)
      : nativeDecapsulation(createKeyObject(key), data);
  try {
    return run();
  } catch {
    throw decryptionFailed();
  }
}

function nativeDecapsulation(key: KeyObject, ciphertext: Uint8Array): () => Uint8Array {
  return () => toUint8Array(decapsulateNative(key, ciphertext));
}

function requireAlgorithm(key: KeyComponents, { CryptographicAlgorithm }: CryptographicParameters): void {
  if (!isAlgorithmFor(CryptographicAlgorithm, key))
    throw new InvalidParametersError('Cryptographic Algorithm is not that of the key');
}

/** Returns the Buffer as a Uint8Array without a copy: OpenSSL returns a buffer of its own. */
function toUint8Array(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

import { createHmac } from 'node:crypto';
import type { HashingAlgorithm } from '../../../codec/enums.ts';
import { concatBytes } from '../../common/bytes.ts';
import { hashOfDerivation } from '../derivation-hash.ts';
import { InvalidParametersError, UnsupportedAlgorithmError } from '../errors.ts';
import { requireHash } from '../hashes/hashes.ts';
import { requireComponents } from '../keys/key-objects.ts';
import type { PlainKey } from '../plain-key.ts';
import type { KeyDerivation } from '../provider.ts';
import { mac } from '../signatures/macs.ts';

/** A pseudorandom function with its key: computes a MAC over the concatenation of its arguments. */
export type Prf = (...pieces: readonly Uint8Array[]) => Uint8Array;

/** Resolves the hash as `hashOfDerivation` does. @throws {InvalidParametersError} also where there is none */
export function requireHashOfDerivation(derivation: KeyDerivation): HashingAlgorithm {
  if (derivation.parameters.BlockCipherMode === 'CMAC')
    throw new InvalidParametersError('a hash takes no Block Cipher Mode, yet it is CMAC');
  const hash = hashOfDerivation(derivation);
  if (hash === undefined) throw new InvalidParametersError('Hashing Algorithm is missing');
  return hash;
}

/**
 * Selects HMAC or CMAC (SP 800-108 §3) by the parameters, else by the key.
 * @throws {InvalidParametersError} when neither names an algorithm
 */
export function selectPrf(derivation: KeyDerivation): Prf {
  const { key, parameters } = derivation;
  const secret = readSecret(key);
  const hash = hashOfDerivation(derivation);
  if (hash !== undefined) return createHmacPrf(hash, secret);
  const algorithm = parameters.CryptographicAlgorithm ?? key.CryptographicAlgorithm;
  if (parameters.CryptographicAlgorithm === undefined && parameters.BlockCipherMode !== 'CMAC')
    throw new InvalidParametersError('Hashing Algorithm is missing');
  const cipher = { CryptographicAlgorithm: algorithm, BlockCipherMode: 'CMAC' } as const;
  const cipherKey = { ...createSymmetricKey(secret), CryptographicAlgorithm: algorithm };
  return (...pieces) => new Uint8Array(mac(cipherKey, cipher, concatBytes(pieces)));
}

/** Creates HMAC over the concatenation of its arguments. */
export function createHmacPrf(hash: HashingAlgorithm, key: Uint8Array): Prf {
  const { name } = requireHash(hash);
  return (...pieces) => {
    const stream = createHmac(name, key);
    for (const piece of pieces) stream.update(piece);
    return new Uint8Array(stream.digest());
  };
}

/**
 * Returns the bytes of a symmetric key or of secret data. A view.
 * @throws {UnsupportedAlgorithmError} for other objects
 */
export function readSecret(key: PlainKey): Uint8Array {
  if (key.objectType === 'SecretData') {
    if (key.KeyMaterial instanceof Uint8Array) return key.KeyMaterial;
    throw new UnsupportedAlgorithmError('the secret data are not bytes');
  }
  const components = requireComponents(key);
  if (components.kind === 'symmetric') return components.key;
  throw new UnsupportedAlgorithmError(`nothing is derived from a ${key.objectType} by this method`);
}

/** Makes a symmetric key of bytes, without a copy. */
export function createSymmetricKey(KeyMaterial: Uint8Array): PlainKey {
  return { objectType: 'SymmetricKey', KeyFormatType: 'Raw', KeyMaterial };
}

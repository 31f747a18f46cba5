import crypto, { createHmac, timingSafeEqual } from 'node:crypto';
import type { CryptographicAlgorithm } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { InvalidParametersError, UnsupportedAlgorithmError } from '../errors.ts';
import { requireHash } from '../hashes/hashes.ts';
import { requireComponents } from '../keys/key-objects.ts';
import { hashOfHmac } from '../parameter-names.ts';
import type { PlainKey } from '../plain-key.ts';
import type { MacStream } from '../streams.ts';

/** OpenSSL's ciphers under CMAC (SP 800-38B), by the bytes of the key. */
const cmacs = new Map<CryptographicAlgorithm, Readonly<Record<number, string>>>([
  ['AES', { 16: 'aes-128-cbc', 24: 'aes-192-cbc', 32: 'aes-256-cbc' }],
  ['DES3', { 24: 'des-ede3-cbc' }],
]);

interface Mac {
  update(data: Uint8Array): unknown;
  final(): Buffer;
}

// Node has this function since 26.10, its type declarations do not.
const { createMac } = crypto as unknown as {
  createMac(name: 'cmac', key: Uint8Array, options: { readonly cipher: string }): Mac;
};

/**
 * Starts an HMAC or CMAC (SP 800-38B). The key may be of another algorithm than the HMAC, as in the OASIS
 * test cases.
 * @throws {UnsupportedAlgorithmError} when key and algorithm make no MAC
 * @throws {InvalidParametersError} when the parameters contradict each other or the key
 */
export function startMac(key: PlainKey, parameters: CryptographicParameters): MacStream {
  const mac = openMac(key, parameters);
  return {
    update(data) {
      mac.update(data);
    },
    final: () => mac.final(),
    verify(given) {
      const expected = mac.final();
      return expected.length === given.length && timingSafeEqual(expected, given);
    },
  };
}

function openMac(key: PlainKey, parameters: CryptographicParameters): Mac {
  const components = requireComponents(key);
  if (components.kind !== 'symmetric') throw new UnsupportedAlgorithmError('such a key makes no MAC');
  const algorithm = parameters.CryptographicAlgorithm ?? key.CryptographicAlgorithm;
  if (algorithm === undefined) throw new InvalidParametersError('Cryptographic Algorithm is missing');
  const { BlockCipherMode: mode } = parameters;
  const hash = hashOfHmac(algorithm);
  if (hash !== undefined) {
    if ((parameters.HashingAlgorithm ?? hash) !== hash)
      throw new InvalidParametersError('Hashing Algorithm is not that of the Cryptographic Algorithm');
    if (mode !== undefined) throw new InvalidParametersError(`${algorithm} has no Block Cipher Mode`);
    const hmac = createHmac(requireHash(hash).name, components.key);
    return { update: (data) => hmac.update(data), final: () => hmac.digest() };
  }
  const cipher = cmacs.get(algorithm)?.[components.key.length];
  if (cipher === undefined || (mode !== undefined && mode !== 'CMAC')) {
    throw new UnsupportedAlgorithmError(
      `the server makes no MAC with ${algorithm}${mode === undefined ? '' : ` and ${mode}`}`,
    );
  }
  if (key.CryptographicAlgorithm !== undefined && key.CryptographicAlgorithm !== algorithm) {
    throw new InvalidParametersError('Cryptographic Algorithm is not that of the key');
  }
  return createMac('cmac', components.key, { cipher });
}

/** Computes the HMAC or CMAC of data. Throws as `startMac` does. */
export function mac(key: PlainKey, parameters: CryptographicParameters, data: Uint8Array): Uint8Array {
  const stream = startMac(key, parameters);
  stream.update(data);
  return stream.final();
}

/** Compares `given` with the MAC of data in constant time. Throws as `startMac` does. */
export function verifyMac(
  key: PlainKey,
  parameters: CryptographicParameters,
  data: Uint8Array,
  given: Uint8Array,
): boolean {
  const stream = startMac(key, parameters);
  stream.update(data);
  return stream.verify(given);
}

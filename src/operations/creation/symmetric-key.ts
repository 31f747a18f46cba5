import type { CryptographicAlgorithm } from '../../../codec/enums.ts';
import type { KeyedObjectValue } from '../../../codec/structures/managed-objects.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';

/**
 * Generates a random key of `bits` in format Raw.
 * @throws {UnsupportedAlgorithmError} when the algorithm is unknown or has no such length
 */
export function generateSymmetricKey(
  algorithm: CryptographicAlgorithm,
  bits: number,
  crypto: CryptoProvider,
): KeyedObjectValue {
  return {
    type: 'SymmetricKey',
    value: {
      KeyBlock: {
        KeyFormatType: 'Raw',
        KeyValue: { KeyMaterial: crypto.generateSymmetric(algorithm, bits), Attributes: [] },
        CryptographicAlgorithm: algorithm,
        CryptographicLength: bits,
      },
    },
  };
}

import type { CryptographicAlgorithm } from '../../../codec/enums.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';

/** A new random key of `bits`, kept as raw bytes. Throws UnsupportedAlgorithmError. */
export function generateSymmetricKey(
  algorithm: CryptographicAlgorithm,
  bits: number,
  crypto: CryptoProvider,
): ManagedObjectValue {
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

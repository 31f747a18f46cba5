import type { CryptographicAlgorithm } from '../../codec/enums.ts';
import { CryptographicUsageMask } from '../../codec/masks.ts';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import { useOf } from './algorithms.ts';

/** Returns the mask with these bits. */
export function usageMaskOf(...bits: (typeof CryptographicUsageMask)['members'][number][]): number {
  return bits.reduce((mask, bit) => mask | CryptographicUsageMask.bit(bit), 0);
}

const cipherMask = usageMaskOf('Encrypt', 'Decrypt');
const authenticationMask = usageMaskOf('MACGenerate', 'MACVerify');

/** Usage masks of key pairs whose algorithm has a single purpose; RSA and others both sign and encrypt. */
const pairUsageMasks = {
  signature: { PrivateKey: usageMaskOf('Sign'), PublicKey: usageMaskOf('Verify') },
  agreement: { PrivateKey: usageMaskOf('KeyAgreement'), PublicKey: usageMaskOf('KeyAgreement') },
  // Clients request decapsulation as Decrypt and encapsulation as Encrypt.
  encapsulation: { PrivateKey: usageMaskOf('Decrypt'), PublicKey: usageMaskOf('Encrypt') },
} as const;

/**
 * Returns the default Cryptographic Usage Mask of an object by type and algorithm; undefined for types
 * without a mask.
 */
export function defaultUsageMask(
  type: ObjectTypeName,
  algorithm: CryptographicAlgorithm | undefined,
): number | undefined {
  const use = algorithm === undefined ? undefined : useOf(algorithm);
  switch (type) {
    case 'SymmetricKey':
    case 'SplitKey':
      return typeof algorithm === 'string' && algorithm.startsWith('HMAC_') ? authenticationMask : cipherMask;
    case 'PrivateKey':
      if (use !== undefined) return pairUsageMasks[use][type];
      return algorithm === 'EC' ? usageMaskOf('Sign', 'KeyAgreement') : usageMaskOf('Sign', 'Decrypt');
    case 'PublicKey':
      if (use !== undefined) return pairUsageMasks[use][type];
      return algorithm === 'EC' ? usageMaskOf('Verify', 'KeyAgreement') : usageMaskOf('Verify', 'Encrypt');
    case 'Certificate':
      return usageMaskOf('Verify');
    case 'SecretData':
      return usageMaskOf('DeriveKey');
    default:
      return undefined;
  }
}

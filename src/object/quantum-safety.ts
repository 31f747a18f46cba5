import type { CryptographicAlgorithm } from '../../codec/enums.ts';
import { fail } from '../common/errors.ts';
import { isQuantumSafe } from '../crypto/algorithms.ts';

/**
 * Refuses Quantum Safe (KMIP 2.1 §4.44) for a key whose algorithm or length in bits is not quantum-safe.
 * Objects without an algorithm (secret data, opaque objects) are not checked, because the server does not
 * know their content.
 *
 * @throws {KmipError} GeneralFailure, as the test case QS-M-2 expects.
 */
export function requireQuantumSafety(
  isDemanded: boolean | undefined,
  algorithm: CryptographicAlgorithm | undefined,
  bits: number | undefined,
): void {
  if (isDemanded !== true || algorithm === undefined || isQuantumSafe(algorithm, bits ?? 0)) return;
  fail('GeneralFailure', `${algorithm} with ${bits ?? 'any number of'} bits is not quantum-safe`);
}

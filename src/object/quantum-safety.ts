import type { CryptographicAlgorithm } from '../../codec/enums.ts';
import { fail } from '../common/errors.ts';
import { quantumSafe } from '../crypto/algorithms.ts';

/**
 * Quantum Safe is a demand (KMIP 2.1 §4.44): refuses it of keys whose algorithm does not meet it. Of objects without an
 * algorithm (secret data, opaque ones) the client knows more than the server. Fails with GeneralFailure, as QS-M-2 has it.
 */
export function requireQuantumSafety(
  isDemanded: boolean | undefined,
  algorithm: CryptographicAlgorithm | undefined,
  bits: number | undefined,
): void {
  if (isDemanded !== true || algorithm === undefined || quantumSafe(algorithm, bits ?? 0)) return;
  fail('GeneralFailure', `${algorithm} with ${bits ?? 'any number of'} bits is not quantum-safe`);
}

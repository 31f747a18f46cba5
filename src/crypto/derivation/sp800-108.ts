import { CryptographyFailedError, InvalidParametersError } from '../errors.ts';
import type { KeyDerivation } from '../provider.ts';
import { concatBlocks, requireData, requireShort } from './derivation-data.ts';
import { type Prf, selectPrf } from './prf.ts';

/** Computes block after block of SP 800-108; `counter` is [i], of as many bits as Counter Length states. */
type NistMode = (prf: Prf, fixed: Uint8Array, iv: Uint8Array) => (counter: Uint8Array) => Uint8Array;

/** SP 800-108 §4.1: K(i) = PRF(key, [i] || fixed). */
export const counterMode: NistMode = (prf, fixed) => (counter) => prf(counter, fixed);

/**
 * SP 800-108 §4.2: K(i) = PRF(key, K(i−1) || [i] || fixed), K(0) the Initialization Vector, which may be
 * empty.
 */
export const feedbackMode: NistMode = (prf, fixed, iv) => {
  let block = iv;
  return (counter) => {
    block = prf(block, counter, fixed);
    return block;
  };
};

/** SP 800-108 §4.3: A(0) = fixed, A(i) = PRF(key, A(i−1)); K(i) = PRF(key, A(i) || [i] || fixed). */
export const doublePipelineMode: NistMode = (prf, fixed) => {
  let pipeline = fixed;
  return (counter) => {
    pipeline = prf(pipeline);
    return prf(pipeline, counter, fixed);
  };
};

/**
 * Derives a key by a mode of SP 800-108. Derivation Data is the whole fixed input: the client concatenates
 * label, zero byte, context and length.
 * @throws {InvalidParametersError} when parameters or data are missing or do not fit
 * @throws {CryptographyFailedError} when the counter is too short for the length
 */
export function deriveNist(derivation: KeyDerivation, mode: NistMode): Uint8Array {
  const { parameters, data, iv, length } = derivation;
  const prf = selectPrf(derivation);
  const next = mode(prf, requireShort(requireData(data)), iv ?? new Uint8Array());
  const { CounterLength: bits = 32 } = parameters;
  if (![8, 16, 24, 32].includes(bits))
    throw new InvalidParametersError('Counter Length must be 8, 16, 24 or 32 bits');
  return concatBlocks(length, (index) => {
    if (index >= 2 ** bits)
      throw new CryptographyFailedError(`a counter of ${bits} bits is too short for the length`);
    const counter = new Uint8Array(4);
    new DataView(counter.buffer).setUint32(0, index);
    return next(counter.subarray(4 - bits / 8));
  });
}

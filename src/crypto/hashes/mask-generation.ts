import type { HashingAlgorithm } from '../../../codec/enums.ts';
import { digest, requireHash } from './hashes.ts';

/** XORs the mask that MGF1 computes from `seed` into `bytes`, in place (RFC 8017, appendix B.2.1). */
export function applyMask(bytes: Uint8Array, seed: Uint8Array, algorithm: HashingAlgorithm): void {
  const step = requireHash(algorithm).bytes;
  const input = new Uint8Array(seed.length + 4);
  input.set(seed);
  const counter = new DataView(input.buffer, seed.length);
  for (let start = 0; start < bytes.length; start += step) {
    counter.setUint32(0, start / step);
    const mask = digest(algorithm, input);
    const part = bytes.subarray(start, start + step);
    for (const [at, byte] of part.entries()) part[at] = byte ^ (mask[at] as number);
    mask.fill(0);
  }
  input.fill(0);
}

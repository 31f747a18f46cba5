import { randomFillSync } from 'node:crypto';
import { VaultUnavailableError } from './vault.ts';

/**
 * A check of the random source at the start: the repetition count and the adaptive proportion test of NIST SP
 * 800-90B §4.4 over 4 KiB, of which each byte must have 8 bits of entropy. A source that works fails one of
 * them with a chance of 2^-50 at most. It finds a source that is stuck or badly broken, not a weak one.
 */

const sampleBytes = 4_096;
/** 1 + 60/8, §4.4.1 with a chance of 2^-60 for each byte. */
const maxRepetitions = 9;
/** §4.4.2 for samples that are not binary: the byte that begins a window may come fewer times in it. */
const windowBytes = 512;
/** 1 + critical value of the binomial distribution for 512 bytes of chance 1/256, with a chance of 2^-60. */
const maxProportion = 26;

/**
 * Checks the random source of this process.
 * @throws {VaultUnavailableError} when it fails: every key that it makes could be guessed.
 */
export function requireRandomSource(fill: (buffer: Uint8Array) => void = randomFillSync): void {
  const sample = new Uint8Array(sampleBytes);
  fill(sample);
  const problem = findProblem(sample);
  sample.fill(0);
  if (problem !== undefined)
    throw new VaultUnavailableError(
      `the random source of this machine fails its self-test: ${problem}; nothing is started, because keys could be guessed`,
    );
}

function findProblem(sample: Uint8Array): string | undefined {
  let repetitions = 1;
  for (let at = 1; at < sample.length; at += 1) {
    repetitions = sample[at] === sample[at - 1] ? repetitions + 1 : 1;
    if (repetitions >= maxRepetitions) return `${repetitions} equal bytes follow each other`;
  }
  for (let start = 0; start < sample.length; start += windowBytes) {
    const window = sample.subarray(start, start + windowBytes);
    const count = window.reduce((sum, byte) => sum + Number(byte === window[0]), 0);
    if (count >= maxProportion) return `a byte comes ${count} times among ${window.length}`;
  }
  return undefined;
}

import { randomFillSync } from 'node:crypto';
import { powerModulo, toBigInt } from '../asn1/big-integers.ts';
import { bitLength } from './key-components.ts';

/**
 * Rounds of Miller and Rabin by bits. Few, because a number that no attacker chose is found out by one
 * round, and who chooses the numbers of a key harms its owner only. node:crypto does at least 64, which takes
 * seconds.
 */
const rounds = [
  { bits: 2_048, count: 2 },
  { bits: 4_096, count: 1 },
] as const;

/**
 * Whether a magnitude may be prime (FIPS 186-5, appendix B.3.1, with few rounds); of more than 4,096 bits
 * only whether it is odd. Takes up to 0.1 s: for threads.
 */
export function isProbablyPrime(magnitude: Uint8Array): boolean {
  const bits = bitLength(magnitude);
  const n = toBigInt(magnitude);
  if (n < 4n) return n === 2n || n === 3n;
  if ((n & 1n) === 0n) return false;
  const count = rounds.find((each) => bits <= each.bits)?.count ?? 0;
  return Array.from({ length: count }).every(() => passesRound(n, randomBase(n)));
}

function randomBase(n: bigint): bigint {
  return 2n + (toBigInt(randomFillSync(new Uint8Array(16))) % (n - 3n));
}

function passesRound(n: bigint, base: bigint): boolean {
  let [odd, twos] = [n - 1n, 0];
  while ((odd & 1n) === 0n) [odd, twos] = [odd >> 1n, twos + 1];
  let value = powerModulo(base, odd, n);
  if (value === 1n) return true;
  for (let round = 0; round < twos; round += 1) {
    if (value === n - 1n) return true;
    value = (value * value) % n;
  }
  return false;
}

import { InvalidKeyMaterialError } from '../errors.ts';
import { stripZeros } from './der.ts';

/*
 * Arithmetic that node:crypto does not offer. BigInt can be neither wiped nor computed in constant time:
 * secrets may come here only where there is no other way (keys that a client sent incomplete), or multiplied
 * with a random number first.
 */

/**
 * Reads a magnitude, big-endian. Byte by byte, because hexadecimal text would leave the secret in a string.
 */
export function toBigInt(magnitude: Uint8Array): bigint {
  let value = 0n;
  for (const byte of magnitude) value = (value << 8n) | BigInt(byte);
  return value;
}

/** Returns the magnitude of a number that is not negative, big-endian without leading zeros. */
export function toBytes(value: bigint): Uint8Array {
  const words = Math.ceil(countWordBits(value) / 64);
  const bytes = new Uint8Array(words * 8);
  const view = new DataView(bytes.buffer);
  for (let word = words - 1, rest = value; word >= 0; word -= 1, rest >>= 64n)
    view.setBigUint64(word * 8, rest & 0xffff_ffff_ffff_ffffn);
  return stripZeros(bytes);
}

/** Rounded up to whole words of 64 bits. */
function countWordBits(value: bigint): number {
  let bits = 0;
  for (let rest = value; rest > 0n; rest >>= 64n) bits += 64;
  return bits;
}

/**
 * Computes a modular inverse by the extended Euclidean algorithm.
 * @throws {InvalidKeyMaterialError} when there is none
 */
export function invertModulo(value: bigint, modulus: bigint): bigint {
  let [r0, r1] = [modulus, value % modulus];
  let [t0, t1] = [0n, 1n];
  while (r1 > 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [t0, t1] = [t1, t0 - quotient * t1];
  }
  if (r0 !== 1n) throw new InvalidKeyMaterialError('the numbers of the key do not belong together');
  return t0 < 0n ? t0 + modulus : t0;
}

/** Computes a power modulo a number by squaring; the time is that of `modulus` squared times `exponent`. */
export function powerModulo(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, factor] = [1n % modulus, base % modulus];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * factor) % modulus;
    factor = (factor * factor) % modulus;
  }
  return result;
}

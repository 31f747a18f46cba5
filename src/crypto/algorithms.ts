import type { CryptographicAlgorithm } from '../../codec/enums.ts';
import {
  type Algorithm,
  findAlgorithm,
  type Lengths,
  minQuantumSafeStrength,
  type PostQuantumAlgorithm,
  xWing,
} from './algorithm-table.ts';

/**
 * Minimum strength of generated keys. 80 and not the 112 of NIST: the Symmetric Key Foundry profiles create
 * SKIPJACK keys (SKFF-O-1), and devices in the field support RSA of 1,024 bits only. A client gets such a key
 * when it states the length; `defaults.ts` chooses stronger ones.
 */
const minGeneratedStrength = 80;

function includes(lengths: Lengths, bits: number): boolean {
  if ('from' in lengths) {
    return bits >= lengths.from && bits <= lengths.to && (bits - lengths.from) % lengths.step === 0;
  }
  return lengths.includes(bits);
}

/** Returns the kind of an algorithm's keys; undefined for a number that is not in the table. */
export function algorithmKind(algorithm: CryptographicAlgorithm): Algorithm['kind'] | undefined {
  return findAlgorithm(algorithm)?.kind;
}

/** Tells whether a key of that many bits can exist, weak old lengths included: the rule of Register. */
export function acceptsLength(algorithm: CryptographicAlgorithm, bits: number): boolean {
  const row = findAlgorithm(algorithm);
  return row !== undefined && includes(row.lengths, bits);
}

/** Tells whether the server generates keys of that many bits: the rule of Create and Create Key Pair. */
export function generatesLength(algorithm: CryptographicAlgorithm, bits: number): boolean {
  const row = findAlgorithm(algorithm);
  if (row === undefined || row.generates === 'none' || row.strength(bits) < minGeneratedStrength)
    return false;
  return includes(row.generates === 'lengths' ? row.lengths : row.generates, bits);
}

/** Tells whether the server makes and uses keys of the algorithm, of some length. */
export function isOffered(algorithm: CryptographicAlgorithm): boolean {
  const row = findAlgorithm(algorithm);
  return row !== undefined && row.generates !== 'none';
}

/**
 * Tells whether such a key withstands quantum computers, for clients that demand Quantum Safe (KMIP 2.1
 * §4.44).
 */
export function isQuantumSafe(algorithm: CryptographicAlgorithm, bits: number): boolean {
  const row = findAlgorithm(algorithm);
  if (row === undefined) return false;
  return (
    row.postQuantum === true || (row.kind === 'symmetric' && row.strength(bits) >= minQuantumSafeStrength)
  );
}

/** The greatest strength that SP 800-57 distinguishes. */
const maxStrength = 256;

/**
 * Returns the security strength of a key in bits (NIST SP 800-57 Part 1 Rev. 5, tables 2 and 3), at most 256;
 * undefined for an algorithm that is not in the table.
 */
export function strengthOf(algorithm: CryptographicAlgorithm, bits: number): number | undefined {
  const strength = findAlgorithm(algorithm)?.strength(bits);
  return strength && Math.min(strength, maxStrength);
}

/** Tells whether the algorithm is one of FIPS 203, 204 and 205, or X-Wing. */
export function isPostQuantum(
  algorithm: CryptographicAlgorithm | undefined,
): algorithm is PostQuantumAlgorithm {
  return algorithm === xWing || (typeof algorithm === 'string' && /^(ML|SLH)_/.test(algorithm));
}

/** Returns the use of the algorithm's key pairs, undefined where they have several. */
export function useOf(algorithm: CryptographicAlgorithm): Algorithm['use'] {
  return findAlgorithm(algorithm)?.use;
}

/** Tells whether each byte of such a key has a parity bit (DES, DES3). */
export function hasParity(algorithm: CryptographicAlgorithm): boolean {
  return findAlgorithm(algorithm)?.parity === true;
}

/**
 * Returns the bytes of a symmetric key of `bits`. DES counts without parity (168) or with it (192): both are
 * 24 bytes.
 */
export function keyBytes(algorithm: CryptographicAlgorithm | undefined, bits: number): number {
  return algorithm !== undefined && hasParity(algorithm) && bits % 56 === 0
    ? (bits / 56) * 8
    : Math.ceil(bits / 8);
}

/**
 * Returns the Cryptographic Length of a symmetric key of `bytes`; DES counts without parity, as the OASIS
 * cases do.
 */
export function keyBits(algorithm: CryptographicAlgorithm | undefined, bytes: number): number {
  return algorithm !== undefined && hasParity(algorithm) ? bytes * 7 : bytes * 8;
}

import { checkPrime, getDiffieHellman } from 'node:crypto';
import { toBigInt, toBytes } from '../asn1/big-integers.ts';
import { UnsupportedAlgorithmError } from '../errors.ts';
import type { DhDomain } from '../keys/key-components.ts';

/** Groups of RFC 3526, whose primes are known to be safe. */
const knownGroups = ['modp5', 'modp14', 'modp15', 'modp16', 'modp17', 'modp18'] as const;

/** Rounds of Miller and Rabin for primes that the owner of a key chose. */
const primalityRounds = 16;

/** Maximum bits of a prime that is checked; longer ones take seconds. */
const maxCheckedBits = 4_096;

/**
 * Refuses a group in which a public key can have a small order: agreements with such keys show the private
 * exponent modulo that order (RFC 2785 §3). Without Q nobody can check the order, so the prime must be safe.
 * Node takes no keys with Q for an agreement.
 * @throws {UnsupportedAlgorithmError} when the prime is not safe, or too long to be checked
 */
export async function requireSafeGroup({ p, q }: DhDomain): Promise<void> {
  if (q === undefined && !(await isSafePrime(p)))
    throw new UnsupportedAlgorithmError(
      'DH keys agree in a group with a safe prime of at most 4096 bits only',
    );
}

async function isSafePrime(prime: Uint8Array): Promise<boolean> {
  const p = toBigInt(prime);
  if (knownGroups.some((name) => toBigInt(new Uint8Array(getDiffieHellman(name).getPrime())) === p))
    return true;
  if (p < 7n || prime.length * 8 > maxCheckedBits) return false;
  return (await isPrime(prime)) && isPrime(toBytes((p - 1n) / 2n));
}

function isPrime(candidate: Uint8Array): Promise<boolean> {
  return new Promise((resolve, reject) => {
    checkPrime(candidate, { checks: primalityRounds }, (error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}

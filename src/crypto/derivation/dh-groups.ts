import { checkPrime, getDiffieHellman } from 'node:crypto';
import { toBigInt, toBytes } from '../asn1/big-integers.ts';
import { UnsupportedAlgorithmError } from '../errors.ts';
import type { DhDomain } from '../keys/key-components.ts';
import { limitConcurrency } from '../threads/limit-concurrency.ts';

/** Groups of RFC 3526, whose primes are known to be safe. */
const modpGroups = ['modp5', 'modp14', 'modp15', 'modp16', 'modp17', 'modp18'] as const;

/** Bits and offset of the groups of RFC 7919 (appendix A), whose primes are known to be safe. */
const ffdheGroups = [
  [2_048, 560_316n],
  [3_072, 2_625_351n],
  [4_096, 5_736_041n],
  [6_144, 15_705_020n],
  [8_192, 10_965_728n],
] as const;

let knownPrimes: ReadonlySet<bigint> | undefined;

function listKnownPrimes(): ReadonlySet<bigint> {
  return new Set([
    ...modpGroups.map((name) => toBigInt(new Uint8Array(getDiffieHellman(name).getPrime()))),
    ...ffdheGroups.map(
      ([bits, offset]) =>
        (1n << BigInt(bits)) - (1n << BigInt(bits - 64)) + ((scaledE(bits - 130) + offset) << 64n) - 1n,
    ),
  ]);
}

/** Returns floor(2^bits · e), by the series of e with bits to spare. */
function scaledE(bits: number): bigint {
  const spare = 64n;
  let term = 1n << (BigInt(bits) + spare);
  let sum = 0n;
  for (let n = 1n; term > 0n; n++) {
    sum += term;
    term /= n;
  }
  return sum >> spare;
}

/** Rounds of Miller and Rabin for primes that the owner of a key chose; OpenSSL does 64 at the least. */
const primalityRounds = 16;

/** Maximum bits of a prime that is checked, which takes some two seconds of a thread. */
const maxCheckedBits = 3_072;

/** Primes that were checked lately, in hexadecimal, with the results. */
const checked = new Map<string, boolean>();
const maxChecked = 64;

/**
 * Refuses a group in which a public key can have a small order: agreements with such keys show the private
 * exponent modulo that order (RFC 2785 §3). Without Q nobody can check the order, so the prime must be safe.
 * Node takes no keys with Q for an agreement.
 * @throws {UnsupportedAlgorithmError} when the prime is not safe, or too long to be checked
 */
export async function requireSafeGroup({ p, q }: DhDomain): Promise<void> {
  if (q === undefined && !(await isSafePrime(p)))
    throw new UnsupportedAlgorithmError(
      `DH keys agree in the groups of RFC 3526 and RFC 7919, and in others with a safe prime of at most ${maxCheckedBits} bits`,
    );
}

async function isSafePrime(prime: Uint8Array): Promise<boolean> {
  const p = toBigInt(prime);
  knownPrimes ??= listKnownPrimes();
  if (knownPrimes.has(p)) return true;
  if (p < 7n || prime.length * 8 > maxCheckedBits) return false;
  const name = prime.toHex();
  const known = checked.get(name);
  if (known !== undefined) return known;
  // While this check waits, another one of the same prime may end.
  const check = async (): Promise<boolean> =>
    checked.get(name) ?? ((await isPrime(toBytes((p - 1n) / 2n))) && (await isPrime(prime)));
  const result = await limitConcurrency(check);
  const [oldest] = checked.keys();
  if (oldest !== undefined && checked.size >= maxChecked) checked.delete(oldest);
  checked.set(name, result);
  return result;
}

function isPrime(candidate: Uint8Array): Promise<boolean> {
  return new Promise((resolve, reject) => {
    checkPrime(candidate, { checks: primalityRounds }, (error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}

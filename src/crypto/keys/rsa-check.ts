import { powerModulo, toBigInt } from '../asn1/big-integers.ts';
import { InvalidKeyMaterialError } from '../errors.ts';
import type { RsaPrivateKey, RsaPublicKey } from './key-components.ts';
import { isProbablyPrime } from './primes.ts';

/* RSA keys that come in (SP 800-56B Rev. 2 §6.4.1.2 and §6.4.2.2). */

/** Primes below 752 (SP 800-56B §6.4.2.2) and their product. */
const smallPrimes = Array.from({ length: 752 }, (_, number) => number).filter(
  (number) =>
    number > 1 && !Array.from({ length: 28 }, (_, at) => at + 2).some((d) => d < number && number % d === 0),
);
const smallProduct = smallPrimes.reduce((product, prime) => product * BigInt(prime), 1n);

/** Bytes of the modulus up to which a private exponent without primes is tried: longer ones take too long. */
const maxTriedBytes = 512;

/**
 * Checks the modulus and the exponent of an RSA public key. Exponents from 3 on are accepted: keys in the
 * field have 3 and 17, and a small one endangers no signature or OAEP; new keys have at least 65,537.
 * @throws {InvalidKeyMaterialError} with the reason
 */
export function checkRsaPublicKey({ n, e }: Pick<RsaPublicKey, 'n' | 'e'>): void {
  const modulus = toBigInt(n);
  if ((modulus & 1n) === 0n) refuse('the RSA modulus is even');
  if (greatestCommonDivisor(modulus % smallProduct, smallProduct) !== 1n)
    refuse('the RSA modulus has a small factor');
  const exponent = toBigInt(e);
  if ((exponent & 1n) === 0n || exponent < 3n || exponent >= modulus)
    refuse('the public exponent of RSA is not odd, from 3 up to the modulus');
}

/**
 * Checks that the numbers of an RSA private key belong together. Computes with BigInt, up to 0.3 s: for
 * threads. Without the primes only the exponents are tried, up to 4,096 bits.
 * @throws {InvalidKeyMaterialError} with the reason
 */
export function checkRsaPrivateKey(key: RsaPrivateKey): void {
  const { n, e, d } = key;
  if (e !== undefined) checkRsaPublicKey({ n, e });
  const modulus = toBigInt(n);
  if ((modulus & 1n) === 0n) refuse('the RSA modulus is even');
  const exponent = d && toBigInt(d);
  if (exponent !== undefined && ((exponent & 1n) === 0n || exponent <= 1n || exponent >= modulus))
    refuse('the private exponent of RSA is not odd, below the modulus');
  if (key.p !== undefined && key.q !== undefined) checkPrimes(key, key.p, key.q);
  else if (e !== undefined && exponent !== undefined && n.length <= maxTriedBytes) {
    if (powerModulo(powerModulo(2n, exponent, modulus), toBigInt(e), modulus) !== 2n)
      refuse('the exponents of RSA do not belong together');
  }
}

function checkPrimes({ n, e, d, dP, dQ, qInv }: RsaPrivateKey, p: Uint8Array, q: Uint8Array): void {
  const [prime1, prime2] = [toBigInt(p), toBigInt(q)];
  if (prime1 === prime2) refuse('the primes of RSA are equal');
  if (prime1 <= 2n || prime2 <= 2n || prime1 * prime2 !== toBigInt(n))
    refuse('the RSA primes do not make up the modulus');
  const halves = [
    { prime: prime1, part: dP, name: 'P' },
    { prime: prime2, part: dQ, name: 'Q' },
  ];
  for (const { prime, part, name } of halves) {
    const order = prime - 1n;
    const given = [d, part].filter((each) => each !== undefined).map(toBigInt);
    if (part !== undefined && toBigInt(part) >= order) refuse(`prime exponent ${name} of RSA is too large`);
    if (given.some((each) => (each - (given[0] as bigint)) % order !== 0n))
      refuse(`prime exponent ${name} of RSA is not that of the private exponent`);
    if (e !== undefined && given.some((each) => (each * toBigInt(e)) % order !== 1n))
      refuse('the exponents of RSA do not belong together');
  }
  if (qInv !== undefined && (toBigInt(qInv) >= prime1 || (toBigInt(qInv) * prime2) % prime1 !== 1n))
    refuse('the CRT coefficient of RSA is not that of the primes');
  if (!isProbablyPrime(p) || !isProbablyPrime(q)) refuse('a prime of RSA is composite');
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [larger, smaller] = [a, b];
  while (smaller > 0n) [larger, smaller] = [smaller, larger % smaller];
  return larger;
}

function refuse(reason: string): never {
  throw new InvalidKeyMaterialError(reason);
}

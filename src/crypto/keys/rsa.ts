import { invertModulo, toBigInt, toBytes } from '../asn1/big-integers.ts';
import { InvalidKeyMaterialError, UnsupportedKeyFormatError } from '../errors.ts';
import type { RsaPrivateKey } from './key-components.ts';

/** An RSA private key with all its numbers. */
export type CompleteRsaPrivateKey = {
  readonly [K in keyof RsaPrivateKey]-?: Exclude<RsaPrivateKey[K], undefined>;
};

/**
 * Computes the numbers that a transparent RSA key lacks from its primes (RFC 8017 §3.2). Missing primes are
 * not computed: that takes powers of large numbers on the event loop (SP 800-56B, appendix C), so such keys
 * stay in their format.
 * @throws {UnsupportedKeyFormatError} when primes or both exponents are missing
 * @throws {InvalidKeyMaterialError} when the numbers contradict each other
 */
export function completeRsaKey(key: RsaPrivateKey): CompleteRsaPrivateKey {
  const { n, e, d, p, q, dP, dQ, qInv } = key;
  if (p === undefined || q === undefined || (d === undefined && e === undefined)) {
    throw new UnsupportedKeyFormatError(
      'the RSA key was registered without its primes, so only its own format can be given',
    );
  }
  if (e && d && dP && dQ && qInv) return { kind: 'rsaPrivate', n, e, d, p, q, dP, dQ, qInv };
  const prime1 = toBigInt(p);
  const prime2 = toBigInt(q);
  if (prime1 * prime2 !== toBigInt(n))
    throw new InvalidKeyMaterialError('the RSA primes do not make up the modulus');
  // Modulo the least common multiple, as FIPS 186-5 requires; the product would give other, larger exponents.
  const order = ((prime1 - 1n) * (prime2 - 1n)) / greatestCommonDivisor(prime1 - 1n, prime2 - 1n);
  const exponent = d === undefined ? invertModulo(toBigInt(e as Uint8Array), order) : toBigInt(d);
  return {
    kind: 'rsaPrivate',
    n,
    e: e ?? toBytes(invertModulo(exponent, order)),
    d: d ?? toBytes(exponent),
    p,
    q,
    dP: dP ?? toBytes(exponent % (prime1 - 1n)),
    dQ: dQ ?? toBytes(exponent % (prime2 - 1n)),
    qInv: qInv ?? toBytes(invertModulo(prime2, prime1)),
  };
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [larger, smaller] = [a, b];
  while (smaller > 0n) [larger, smaller] = [smaller, larger % smaller];
  return larger;
}

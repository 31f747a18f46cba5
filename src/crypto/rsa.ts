import { stripZeros } from './der.ts';
import type { RsaPrivateKey } from './key-components.ts';
import { KeyFormatUnsupported, KeyMaterialInvalid } from './provider.ts';

export type CompleteRsaPrivateKey = {
  readonly [K in keyof RsaPrivateKey]-?: Exclude<RsaPrivateKey[K], undefined>;
};

/**
 * Computes what a transparent RSA key left out from its primes (RFC 8017 §3.2). Without primes they would have to be
 * searched with big powers on the event loop (SP 800-56B, appendix C): such keys stay in their format.
 *
 * BigInt can be neither wiped nor made constant in time, so it is used only here, for keys that a client sent incomplete.
 */
export function completeRsa(key: RsaPrivateKey): CompleteRsaPrivateKey {
  const { n, e, d, p, q, dP, dQ, qInv } = key;
  if (p === undefined || q === undefined || (d === undefined && e === undefined)) {
    throw new KeyFormatUnsupported(
      'the RSA key was registered without its primes, so only its own format can be given',
    );
  }
  if (e && d && dP && dQ && qInv) return { kind: 'rsaPrivate', n, e, d, p, q, dP, dQ, qInv };
  const prime1 = toBigInt(p);
  const prime2 = toBigInt(q);
  if (prime1 * prime2 !== toBigInt(n))
    throw new KeyMaterialInvalid('the RSA primes do not make up the modulus');
  // Modulo the least common multiple, as FIPS 186-5 wants it; the product of both would give other, larger exponents.
  const order = ((prime1 - 1n) * (prime2 - 1n)) / divisor(prime1 - 1n, prime2 - 1n);
  const exponent = d === undefined ? inverse(toBigInt(e as Uint8Array), order) : toBigInt(d);
  return {
    kind: 'rsaPrivate',
    n,
    e: e ?? toBytes(inverse(exponent, order)),
    d: d ?? toBytes(exponent),
    p,
    q,
    dP: dP ?? toBytes(exponent % (prime1 - 1n)),
    dQ: dQ ?? toBytes(exponent % (prime2 - 1n)),
    qInv: qInv ?? toBytes(inverse(prime2, prime1)),
  };
}

// Word by word: going through hexadecimal text would leave the secret in a string.
function toBigInt(magnitude: Uint8Array): bigint {
  let value = 0n;
  for (const byte of magnitude) value = (value << 8n) | BigInt(byte);
  return value;
}

function toBytes(value: bigint): Uint8Array {
  const words = Math.ceil(bitsOf(value) / 64);
  const bytes = new Uint8Array(words * 8);
  const view = new DataView(bytes.buffer);
  for (let word = words - 1, rest = value; word >= 0; word -= 1, rest >>= 64n)
    view.setBigUint64(word * 8, rest & 0xffff_ffff_ffff_ffffn);
  return stripZeros(bytes);
}

function bitsOf(value: bigint): number {
  let bits = 0;
  for (let rest = value; rest > 0n; rest >>= 64n) bits += 64;
  return bits;
}

function divisor(a: bigint, b: bigint): bigint {
  let [larger, smaller] = [a, b];
  while (smaller > 0n) [larger, smaller] = [smaller, larger % smaller];
  return larger;
}

/** Modular inverse by the extended Euclidean algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [r0, r1] = [modulus, value % modulus];
  let [t0, t1] = [0n, 1n];
  while (r1 > 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [t0, t1] = [t1, t0 - quotient * t1];
  }
  if (r0 !== 1n) throw new KeyMaterialInvalid('the RSA exponents and primes do not belong together');
  return t0 < 0n ? t0 + modulus : t0;
}

import type { CryptographicAlgorithm, RecommendedCurve } from '../../../codec/enums.ts';

/** Lengths and curves that the server chooses when a request states none. */

/** Bits of a key of which only the algorithm is stated. */
const lengths: ReadonlyMap<CryptographicAlgorithm, number> = new Map<CryptographicAlgorithm, number>([
  ['AES', 256],
  ['DES3', 168],
  ['Camellia', 256],
  ['ChaCha20', 256],
  ['ChaCha20Poly1305', 256],
  ['HMAC_SHA1', 160],
  ['HMAC_SHA224', 224],
  ['HMAC_SHA256', 256],
  ['HMAC_SHA384', 384],
  ['HMAC_SHA512', 512],
  ['RSA', 3072],
  ['DSA', 3072],
  ['DH', 3072],
]);

/** The curve of the NIST family with a field of that many bits; 528 are the whole bytes of 521. */
const curves: ReadonlyMap<number, RecommendedCurve> = new Map<number, RecommendedCurve>([
  [192, 'P_192'],
  [224, 'P_224'],
  [256, 'P_256'],
  [384, 'P_384'],
  [521, 'P_521'],
  [528, 'P_521'],
]);

/** Returns the default length of an algorithm in bits; undefined when the client must state one. */
export function defaultLength(algorithm: CryptographicAlgorithm): number | undefined {
  return lengths.get(algorithm);
}

/** Returns the default curve for a Cryptographic Length; undefined when no curve has that length. */
export function defaultCurve(bits = 256): RecommendedCurve | undefined {
  return curves.get(bits);
}

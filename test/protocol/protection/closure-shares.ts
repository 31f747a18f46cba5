/**
 * Joins the parts 1 and 2 of a split key with the threshold 2, as a client does it by itself: the secret is
 * f(0) = (x2·f(x1) − x1·f(x2)) / (x2 − x1) (KMIP 2.1 §2.8).
 */

/** The polynomial of the cases of OASIS, the default of kmipd. */
const polynomial = 0x11d;

function multiply8(a: number, b: number): number {
  let product = 0;
  for (let factor = a, rest = b; rest > 0; rest >>= 1) {
    if (rest & 1) product ^= factor;
    factor = (factor << 1) ^ (factor & 0x80 ? polynomial : 0);
  }
  return product;
}

function invert8(value: number): number {
  for (let other = 1; other < 256; other += 1) if (multiply8(value, other) === 1) return other;
  throw new RangeError('0 has no inverse');
}

/** In characteristic 2 with x1 = 1 and x2 = 2: the weights 2/3 and 1/3. */
const third = invert8(3);
const table = (factor: number) => Uint8Array.from({ length: 256 }, (_, value) => multiply8(value, factor));
const [first, second] = [table(multiply8(2, third)), table(third)];

/**
 * Joins two parts over GF(2^8), and as well over GF(2^16), its extension: the weights lie in GF(2^8), so they
 * multiply both halves of an element alike.
 */
export function joinFields(one: Uint8Array, two: Uint8Array): Uint8Array {
  return one.map((value, at) => (first[value] as number) ^ (second[two[at] as number] as number));
}

/**
 * Over a prime field the secret is 2·f(1) − f(2): returns the number of the second part that makes the secret
 * with the first one.
 */
export function otherPart(one: bigint, secret: bigint, prime: bigint): bigint {
  return (((2n * one - secret) % prime) + prime) % prime;
}

/** The bytes as a number, the first is the highest. */
export function readNumber(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toHex()}`);
}

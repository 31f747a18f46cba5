/*
 * SHA-256 (FIPS 180-4) of a SHA-256 digest, many times over, as the key derivation of PKCS#12 demands. A call
 * of node:crypto costs several times as much as the one block that it hashes: 600,000 calls take 0.8 s and
 * more, this loop 0.25 s.
 */

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4 §4.2.2). */
const constants = Int32Array.from(firstPrimes(64), (prime) => (Math.cbrt(prime) % 1) * 2 ** 32);
/** Those of the square roots of the first 8 primes (FIPS 180-4 §5.3.3). */
const initial = Int32Array.from(firstPrimes(8), (prime) => (Math.sqrt(prime) % 1) * 2 ** 32);

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
}

/** Returns the SHA-256 of the SHA-256 … of a digest of 32 bytes, `rounds` times. */
export function repeatSha256(digest: Uint8Array, rounds: number): Uint8Array {
  const view = new DataView(digest.buffer, digest.byteOffset, digest.byteLength);
  const words = new Int32Array(64);
  for (let i = 0; i < 8; i++) words[i] = view.getInt32(4 * i);
  for (let round = 0; round < rounds; round++) hashDigest(words);
  const result = new Uint8Array(32);
  const out = new DataView(result.buffer);
  for (let i = 0; i < 8; i++) out.setInt32(4 * i, at(words, i));
  words.fill(0);
  return result;
}

const at = (words: Int32Array, index: number): number => words[index] as number;
const rotate = (x: number, bits: number): number => (x >>> bits) | (x << (32 - bits));

/** Replaces the first 8 words by their hash (FIPS 180-4 §6.2.2); they and the padding fill one block. */
function hashDigest(words: Int32Array): void {
  words.fill(0, 8, 16);
  words[8] = 1 << 31;
  words[15] = 256;
  for (let i = 16; i < 64; i++) {
    const x = at(words, i - 15);
    const y = at(words, i - 2);
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    words[i] = at(words, i - 16) + s0 + at(words, i - 7) + s1;
  }
  let a = at(initial, 0);
  let b = at(initial, 1);
  let c = at(initial, 2);
  let d = at(initial, 3);
  let e = at(initial, 4);
  let f = at(initial, 5);
  let g = at(initial, 6);
  let h = at(initial, 7);
  for (let i = 0; i < 64; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + at(constants, i) + at(words, i)) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  words[0] = at(initial, 0) + a;
  words[1] = at(initial, 1) + b;
  words[2] = at(initial, 2) + c;
  words[3] = at(initial, 3) + d;
  words[4] = at(initial, 4) + e;
  words[5] = at(initial, 5) + f;
  words[6] = at(initial, 6) + g;
  words[7] = at(initial, 7) + h;
}

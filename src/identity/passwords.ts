import { createHash, hash, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** The stored form of a password: its scrypt hash with the parameters (RFC 7914). Texts in Base64. */
export interface PasswordVerifier {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
  readonly hash: string;
}

/**
 * 32 MiB and some 60 ms for each guess. The vault encrypts verifiers too, so the database alone gives nothing
 * to guess at.
 */
const current = { N: 2 ** 15, r: 8, p: 1 } as const;
const hashBytes = 32;

const derive = promisify<string | Uint8Array, Uint8Array, number, ScryptOptions, Buffer>(scrypt);

/** Hashes a password for storage. Runs on libuv's thread pool. */
export async function passwordVerifier(password: string): Promise<PasswordVerifier> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, hashBytes, { ...current, maxmem: memoryOf(current) });
  return { ...current, salt: salt.toString('base64'), hash: key.toString('base64') };
}

/** Stands in for the verifier of an unknown user, so that the answer takes as long. */
const dummyVerifier: PasswordVerifier = {
  ...current,
  salt: randomBytes(16).toString('base64'),
  hash: randomBytes(hashBytes).toString('base64'),
};

/** Whether it is the password (or its UTF-8) of the verifier; without one false, after as much time. */
export async function isPassword(
  password: string | Uint8Array,
  verifier: PasswordVerifier | undefined,
): Promise<boolean> {
  const { N, r, p, salt, hash: expected } = verifier ?? dummyVerifier;
  const options = { N, r, p, maxmem: memoryOf({ N, r }) };
  const key = await derive(password, Buffer.from(salt, 'base64'), hashBytes, options);
  const same = equal(key, Uint8Array.fromBase64(expected));
  return verifier !== undefined && same;
}

/** Bytes: twice the memory that the algorithm needs, because OpenSSL counts a little more. */
function memoryOf({ N, r }: Pick<PasswordVerifier, 'N' | 'r'>): number {
  return 256 * N * r;
}

/** Hashing Algorithms for Hashed Password, by their names in KMIP and in OpenSSL. */
const hashes = { SHA_256: 'sha256', SHA_384: 'sha384', SHA_512: 'sha512' } as const;
export type PasswordHash = keyof typeof hashes;

/**
 * The stored form of a password for Hashed Password (KMIP 2.1 §9.2): S1 = H(Username || Password) and H(S2)
 * with S2 = H(Password || Username). The client shows S2 itself, so S2 is not stored. Guesses are fast,
 * unlike those of scrypt.
 */
export type HashedPasswordVerifier = Readonly<
  Record<PasswordHash, { readonly s1: string; readonly s2Hash: string }>
>;

const digest = (name: PasswordHash, ...parts: readonly (Uint8Array | string)[]): Buffer =>
  parts.reduce((sum, part) => sum.update(part), createHash(hashes[name])).digest();

/** Hashes a password for Hashed Password, with every algorithm that a client may choose. */
export function hashedPasswordVerifier(username: string, password: string): HashedPasswordVerifier {
  const verifier = (name: PasswordHash) => ({
    s1: digest(name, username, password).toString('base64'),
    s2Hash: digest(name, digest(name, password, username)).toString('base64'),
  });
  return { SHA_256: verifier('SHA_256'), SHA_384: verifier('SHA_384'), SHA_512: verifier('SHA_512') };
}

/**
 * Checks the Hashed Password `H(S1 || Timestamp) || S2`, with the time as its eight bytes on the wire
 * (microseconds, big-endian). Returns the server's proof that it knows the password too, `H(Timestamp || S1
 * || H(S2))`; undefined when the Hashed Password is wrong or the algorithm unknown.
 */
export function answerToHashedPassword(
  given: Uint8Array,
  timeStamp: bigint,
  algorithm: unknown,
  verifier: HashedPasswordVerifier | undefined,
): Uint8Array | undefined {
  if (typeof algorithm !== 'string' || !Object.hasOwn(hashes, algorithm)) return undefined;
  const name = algorithm as PasswordHash;
  const { s1, s2Hash } = (verifier ?? unknownHashes)[name];
  const time = Buffer.alloc(8);
  time.writeBigInt64BE(timeStamp);
  // As secret as the password, so it gets memory of its own, not the pool that Buffer.from shares.
  const secret = Uint8Array.fromBase64(s1);
  const proof = digest(name, secret, time);
  const shown = given.subarray(proof.length);
  const fresh = equal(proof, given.subarray(0, proof.length));
  const known = equal(digest(name, shown), Buffer.from(s2Hash, 'base64'));
  if (verifier === undefined || !fresh || !known || shown.length !== proof.length) return undefined;
  return digest(name, time, secret, Buffer.from(s2Hash, 'base64'));
}

const unknownHashes = hashedPasswordVerifier(
  randomBytes(16).toString('hex'),
  randomBytes(16).toString('hex'),
);

/**
 * Returns the SHA-256 of a one-time password in Base64; one-time passwords are random, so a fast hash is
 * enough.
 */
export function fingerprintOfCode(code: string): string {
  return hash('sha256', code, 'base64');
}

/** Compares in constant time when the lengths are the same. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * Whether the list has the text. Compares with every entry, so that the time does not tell which one it is.
 */
export function includesText(list: readonly string[], text: string): boolean {
  let found = false;
  for (const each of list) found = equal(Buffer.from(each), Buffer.from(text)) || found;
  return found;
}

import { createHash, hash, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** What is kept of a password: enough to recognise it, not to say it. Texts in Base64. */
export interface PasswordVerifier {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
  readonly hash: string;
}

/** 32 MiB and some 60 ms a guess. The vault seals verifiers besides, so the database alone gives nothing to guess at. */
const current = { N: 2 ** 15, r: 8, p: 1 } as const;
const hashBytes = 32;

const derive = promisify<string, Uint8Array, number, ScryptOptions, Buffer>(scrypt);

/** Runs on the thread pool. */
export async function passwordVerifier(password: string): Promise<PasswordVerifier> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, hashBytes, { ...current, maxmem: memoryOf(current) });
  return { ...current, salt: salt.toString('base64'), hash: key.toString('base64') };
}

/** Takes the place of the verifier of somebody who is not known, so that the answer comes no sooner. */
const nobody: PasswordVerifier = {
  ...current,
  salt: randomBytes(16).toString('base64'),
  hash: randomBytes(hashBytes).toString('base64'),
};

/** False, after as much time, without a verifier. */
export async function isPassword(password: string, verifier: PasswordVerifier | undefined): Promise<boolean> {
  const { N, r, p, salt, hash: expected } = verifier ?? nobody;
  const options = { N, r, p, maxmem: memoryOf({ N, r }) };
  const key = await derive(password, Buffer.from(salt, 'base64'), hashBytes, options);
  const same = equal(key, Uint8Array.fromBase64(expected));
  return verifier !== undefined && same;
}

/** Twice what the algorithm needs: OpenSSL counts a little on top. */
function memoryOf({ N, r }: Pick<PasswordVerifier, 'N' | 'r'>): number {
  return 256 * N * r;
}

/** Hashes that a Hashed Password may be made with, by their names in KMIP and in OpenSSL. */
const hashes = { SHA_256: 'sha256', SHA_384: 'sha384', SHA_512: 'sha512' } as const;
export type PasswordHash = keyof typeof hashes;

/**
 * What is kept for Hashed Password (KMIP 2.1 §9.2): S1 = H(Username || Password) and H(S2) with S2 = H(Password ||
 * Username). S2 itself is what the client shows, so it is not kept. Fast to guess from, unlike the above.
 */
export type HashedPasswordVerifier = Readonly<
  Record<PasswordHash, { readonly s1: string; readonly s2Hash: string }>
>;

const digest = (name: PasswordHash, ...parts: readonly (Uint8Array | string)[]): Buffer =>
  parts.reduce((sum, part) => sum.update(part), createHash(hashes[name])).digest();

export function hashedPasswordVerifier(username: string, password: string): HashedPasswordVerifier {
  const verifier = (name: PasswordHash) => ({
    s1: digest(name, username, password).toString('base64'),
    s2Hash: digest(name, digest(name, password, username)).toString('base64'),
  });
  return { SHA_256: verifier('SHA_256'), SHA_384: verifier('SHA_384'), SHA_512: verifier('SHA_512') };
}

/**
 * Checks `H(S1 || Timestamp) || S2`, the time as its eight bytes on the wire (microseconds, big-endian), and gives
 * what the server answers to prove that it knows the password too: `H(Timestamp || S1 || H(S2))`. Undefined when it does not hold.
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
  // As good as the password: memory of its own, not the pool that Buffer.from shares.
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

/** SHA-256 in Base64 of a text nobody can guess. */
export function fingerprintOfCode(code: string): string {
  return hash('sha256', code, 'base64');
}

/** In constant time where the lengths are the same. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** In the time that the longest list needs. */
export function includesText(list: readonly string[], text: string): boolean {
  let found = false;
  for (const each of list) found = equal(Buffer.from(each), Buffer.from(text)) || found;
  return found;
}

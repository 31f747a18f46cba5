import type { CryptographicAlgorithm } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { hasKeyBlock, type ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { acceptsLength, isOffered, strengthOf } from '../algorithms.ts';
import { UnsupportedAlgorithmError } from '../errors.ts';
import { plainKey } from '../plain-key.ts';

/*
 * Weak algorithms, which protect nothing new unless `crypto.legacy` is set (SP 800-131A Rev. 2). What they
 * have protected can still be decrypted and verified.
 */

/** Bits of security that a key needs: RSA of 2048 bits, curves of 224 bits, three-key 3DES. */
const minStrength = 112;
/** Algorithms that are weak whatever the length of the key. */
const brokenAlgorithms: ReadonlySet<string> = new Set(['RC4']);
/** Hashes for which collisions can be computed, so that a signature over one message fits another. */
const collidingHashes: ReadonlySet<unknown> = new Set(['MD2', 'MD4', 'MD5', 'SHA_1']);
const minIterations = 1_000;

/**
 * Requires an algorithm and a length in bits (any when left out) with which the server may make and use keys.
 * The keys of HMAC have any length: HMAC is sound with every hash, and a short key is the client's choice.
 * @throws {UnsupportedAlgorithmError} for weak ones
 */
export function requireStrongKey(algorithm: CryptographicAlgorithm, bits: number | undefined): void {
  const name = String(algorithm);
  if (name.startsWith('HMAC_')) return;
  if (brokenAlgorithms.has(name)) throw weak(name);
  if (bits === undefined || !isOffered(algorithm) || !acceptsLength(algorithm, bits)) return;
  if ((strengthOf(algorithm, bits) ?? minStrength) < minStrength) throw weak(`${name} of ${bits} bits`);
}

/**
 * Requires the hash of a signature to withstand collisions.
 * @throws {UnsupportedAlgorithmError} otherwise
 */
export function requireStrongHash(hash: CryptographicParameters['HashingAlgorithm']): void {
  if (collidingHashes.has(hash)) throw weak(`a signature with ${hash}`);
}

/**
 * Requires the iterations of PBKDF2 that SP 800-132 §5.2 demands at least. Counts that make no sense are for
 * the derivation to refuse.
 * @throws {UnsupportedAlgorithmError} when there are fewer
 */
export function requireIterations(iterations: number): void {
  if (iterations > 0 && iterations < minIterations)
    throw weak(`PBKDF2 of fewer than ${minIterations} iterations`);
}

/**
 * Refuses a key of Triple DES whose first and second or second and third keys are equal, parity aside: they
 * cancel each other, and DES remains (SP 800-67 Rev. 2 §3.3).
 * @throws {UnsupportedAlgorithmError} for such a key
 */
export function requireThreeKeys(object: ManagedObjectValue): void {
  if (object.type !== 'SymmetricKey' || !hasKeyBlock(object)) return;
  const key = plainKey(object.type, object.value.KeyBlock);
  const bytes = key?.KeyMaterial instanceof Uint8Array ? key.KeyMaterial : key?.KeyMaterial.Key;
  if (key?.CryptographicAlgorithm !== 'DES3' || bytes === undefined || bytes.length < 16) return;
  const [first, second, third = first] = [0, 8, 16]
    .filter((at) => at < bytes.length)
    .map((at) => bytes.subarray(at, at + 8));
  if (isSameDesKey(first, second) || isSameDesKey(second, third))
    throw weak('3DES with two equal keys in a row');
}

/** The lowest bit of each byte is parity. */
function isSameDesKey(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a?.reduce((differs, byte, at) => differs | ((byte ^ (b?.[at] ?? 0)) & 0xfe), 0) === 0;
}

function weak(subject: string): UnsupportedAlgorithmError {
  return new UnsupportedAlgorithmError(
    `${subject} is too weak; the server allows it where its operator sets crypto.legacy = true`,
  );
}

import { randomFillSync, timingSafeEqual } from 'node:crypto';
import type { HashingAlgorithm } from '../../../codec/enums.ts';
import { CryptographyFailedError } from '../errors.ts';
import { digest, requireHash } from '../hashes/hashes.ts';
import { applyMask } from '../hashes/mask-generation.ts';

/**
 * EMSA-PSS (RFC 8017 §9.1), for digests in place of data and a separate hash of the mask: node:crypto has
 * neither.
 */
export interface Pss {
  readonly hash: HashingAlgorithm;
  readonly maskHash: HashingAlgorithm;
  /** Bytes; by default those of the hash when signing, any number when verifying. */
  readonly saltLength?: number | undefined;
}

/** Returns the bytes of the largest salt that fits the modulus, at most as long as the digest. */
export function defaultSaltLength(modulusBits: number, hash: HashingAlgorithm): number {
  const { bytes } = requireHash(hash);
  return Math.max(0, Math.min(bytes, Math.ceil((modulusBits - 1) / 8) - bytes - 2));
}

/**
 * Encodes a digest as the block that RSA signs, as long as the modulus (RFC 8017 §9.1.1).
 * @throws {CryptographyFailedError} when the key is too short for hash and salt
 */
export function encodePss(modulusBits: number, pss: Pss, messageDigest: Uint8Array): Uint8Array {
  const { bytes: hashBytes } = requireHash(pss.hash);
  const saltLength = pss.saltLength ?? defaultSaltLength(modulusBits, pss.hash);
  const { block, masked, trailer } = splitBlock(modulusBits, hashBytes);
  const separator = masked.length - saltLength - 1;
  if (separator < 0) throw new CryptographyFailedError('the key is too short for this hash and salt');
  const salt = randomFillSync(new Uint8Array(saltLength));
  trailer.set(digestWithSalt(pss.hash, messageDigest, salt));
  trailer[hashBytes] = 0xbc;
  masked[separator] = 1;
  masked.set(salt, separator + 1);
  applyMask(masked, trailer.subarray(0, hashBytes), pss.maskHash);
  masked[0] = (masked[0] as number) & topByteMask(modulusBits);
  return block;
}

/**
 * Tells whether a block, recovered from a signature by RSA, encodes the digest (RFC 8017 §9.1.2). It is not
 * secret.
 */
export function verifyPss(
  block: Uint8Array,
  modulusBits: number,
  pss: Pss,
  messageDigest: Uint8Array,
): boolean {
  const { bytes: hashBytes } = requireHash(pss.hash);
  const parts = splitBlock(modulusBits, hashBytes, block);
  if (parts.masked.length === 0 || parts.trailer[hashBytes] !== 0xbc) return false;
  const top = topByteMask(modulusBits);
  if (parts.block.length > parts.masked.length + parts.trailer.length && block[0] !== 0) return false;
  if (((parts.masked[0] as number) & ~top) !== 0) return false;
  const stored = parts.trailer.subarray(0, hashBytes);
  const plain = new Uint8Array(parts.masked);
  applyMask(plain, stored, pss.maskHash);
  plain[0] = (plain[0] as number) & top;
  const separator = plain.findIndex((byte) => byte !== 0);
  if (plain[separator] !== 1) return false;
  const salt = plain.subarray(separator + 1);
  if (pss.saltLength !== undefined && salt.length !== pss.saltLength) return false;
  return timingSafeEqual(stored, digestWithSalt(pss.hash, messageDigest, salt));
}

/**
 * Returns views of a block: masked salt, digest and final byte; without the leading zero byte of some moduli.
 */
function splitBlock(
  modulusBits: number,
  hashBytes: number,
  block: Uint8Array = new Uint8Array(Math.ceil(modulusBits / 8)),
) {
  const encoded = block.subarray(block.length - Math.ceil((modulusBits - 1) / 8));
  const end = Math.max(0, encoded.length - hashBytes - 1);
  return { block, masked: encoded.subarray(0, end), trailer: encoded.subarray(end) };
}

/** Returns the mask of those bits in the first masked byte that the modulus allows. */
function topByteMask(modulusBits: number): number {
  const unused = Math.ceil((modulusBits - 1) / 8) * 8 - (modulusBits - 1);
  return 0xff >> unused;
}

function digestWithSalt(hash: HashingAlgorithm, messageDigest: Uint8Array, salt: Uint8Array): Uint8Array {
  const input = new Uint8Array(8 + messageDigest.length + salt.length);
  input.set(messageDigest, 8);
  input.set(salt, 8 + messageDigest.length);
  return digest(hash, input);
}

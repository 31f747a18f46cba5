import { randomFillSync, timingSafeEqual } from 'node:crypto';
import type { HashingAlgorithm } from '../../../codec/enums.ts';
import { CryptographyFailedError } from '../errors.ts';
import { digest, requireHash } from '../hashes/hashes.ts';
import { applyMask } from '../hashes/mask-generation.ts';

/** EMSA-PSS (RFC 8017 §9.1), for what node:crypto cannot: digests in place of data, a hash of its own for the mask. */
export interface Pss {
  readonly hash: HashingAlgorithm;
  readonly maskHash: HashingAlgorithm;
  /** Bytes; left out: those of the hash when signing, any number when verifying. */
  readonly saltLength?: number | undefined;
}

/** Largest salt that fits, at most as long as the digest. */
export function defaultSaltLength(modulusBits: number, hash: HashingAlgorithm): number {
  const { bytes } = requireHash(hash);
  return Math.max(0, Math.min(bytes, Math.ceil((modulusBits - 1) / 8) - bytes - 2));
}

/** The block that RSA makes the signature of, in the bytes of the modulus. */
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

/** Whether the block, as RSA gave it back from a signature, belongs to the digest. Nothing in it is secret. */
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

/** Views of a block: masked salt, digest and final byte; the zero byte in front that some moduli leave is left out. */
function splitBlock(
  modulusBits: number,
  hashBytes: number,
  block: Uint8Array = new Uint8Array(Math.ceil(modulusBits / 8)),
) {
  const encoded = block.subarray(block.length - Math.ceil((modulusBits - 1) / 8));
  const end = Math.max(0, encoded.length - hashBytes - 1);
  return { block, masked: encoded.subarray(0, end), trailer: encoded.subarray(end) };
}

/** Bits of the first masked byte that the modulus leaves free. */
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

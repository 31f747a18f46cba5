import { constants, type KeyObject, privateDecrypt, publicEncrypt, randomFillSync } from 'node:crypto';
import type { HashingAlgorithm } from '../../../codec/enums.ts';
import { CryptographyFailedError, decryptionFailed } from '../errors.ts';
import { digest, requireHash } from '../hashes/hashes.ts';
import { applyMask } from '../hashes/mask-generation.ts';

/**
 * Parameters of RSAES-OAEP (RFC 8017 §7.1). OpenSSL pads when mask and label use the same hash; node:crypto
 * cannot state two hashes, so then the padding is computed here, over the unpadded RSA of OpenSSL.
 */
export interface Oaep {
  readonly hash: HashingAlgorithm;
  readonly maskHash: HashingAlgorithm;
  readonly label: Uint8Array;
}

/**
 * Encrypts data into `modulusBytes` bytes.
 * @throws {CryptographyFailedError} when the data is too long
 */
export function encryptOaep(key: KeyObject, modulusBytes: number, oaep: Oaep, data: Uint8Array): Uint8Array {
  const maxLength = modulusBytes - 2 * requireHash(oaep.hash).bytes - 2;
  if (data.length > maxLength) {
    throw new CryptographyFailedError(
      `the data is too long for this key and hash: at most ${Math.max(maxLength, 0)} bytes`,
    );
  }
  if (oaep.hash === oaep.maskHash) return publicEncrypt(nativeOptions(key, oaep), data);
  const block = encodeBlock(modulusBytes, oaep, data);
  const encrypted = publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, block);
  block.fill(0);
  return encrypted;
}

/**
 * Decrypts `modulusBytes` bytes.
 * @throws {CryptographyFailedError} as `decryptionFailed()`, for every fault alike (Manger 2001)
 */
export function decryptOaep(
  key: KeyObject,
  modulusBytes: number,
  oaep: Oaep,
  encrypted: Uint8Array,
): Uint8Array {
  // RFC 8017 §7.1.2; OpenSSL would add missing leading zeros.
  if (encrypted.length !== modulusBytes) throw decryptionFailed();
  const isNative = oaep.hash === oaep.maskHash;
  let block: Uint8Array;
  try {
    block = privateDecrypt(
      isNative ? nativeOptions(key, oaep) : { key, padding: constants.RSA_NO_PADDING },
      encrypted,
    );
  } catch {
    throw decryptionFailed();
  }
  if (isNative) return block;
  const data = decodeBlock(block, oaep);
  block.fill(0);
  return data;
}

function nativeOptions(key: KeyObject, { hash, label }: Oaep) {
  const labelOption = label.length === 0 ? {} : { oaepLabel: label };
  return { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: requireHash(hash).name, ...labelOption };
}

/** 0 ‖ masked seed ‖ masked (hash of the label ‖ zeros ‖ 1 ‖ data). */
function encodeBlock(modulusBytes: number, { hash, maskHash, label }: Oaep, data: Uint8Array): Uint8Array {
  const block = new Uint8Array(modulusBytes);
  const hashBytes = requireHash(hash).bytes;
  const seed = block.subarray(1, 1 + hashBytes);
  const rest = block.subarray(1 + hashBytes);
  randomFillSync(seed);
  rest.set(digest(hash, label));
  rest[rest.length - data.length - 1] = 1;
  rest.set(data, rest.length - data.length);
  applyMask(rest, seed, maskHash);
  applyMask(seed, rest, maskHash);
  return block;
}

/** Reads every byte and collects one result, so that neither time nor answer reveals the fault. */
function decodeBlock(block: Uint8Array, { hash, maskHash, label }: Oaep): Uint8Array {
  const hashBytes = requireHash(hash).bytes;
  // The sizes of key and hash are public.
  if (block.length < 2 * hashBytes + 2) throw decryptionFailed();
  const seed = block.subarray(1, 1 + hashBytes);
  const rest = block.subarray(1 + hashBytes);
  applyMask(seed, rest, maskHash);
  applyMask(rest, seed, maskHash);
  let wrong = block[0] as number;
  for (const [at, byte] of digest(hash, label).entries()) wrong |= byte ^ (rest[at] as number);
  // All bits are set until the byte 1 is found.
  let searching = -1;
  let start = 0;
  for (let at = hashBytes; at < rest.length; at += 1) {
    const byte = rest[at] as number;
    const one = ((byte ^ 1) - 1) >> 31;
    const zero = (byte - 1) >> 31;
    start |= searching & one & (at + 1);
    wrong |= searching & ~one & ~zero;
    searching &= ~one;
  }
  if ((wrong | searching) !== 0) throw decryptionFailed();
  return new Uint8Array(rest.subarray(start));
}

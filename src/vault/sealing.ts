import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import type { SealContext, SealedKey } from './vault.ts';

/**
 * The two formats of the vault, both AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce.
 *
 *     sealed value   1 | sealing key id (u32) | nonce (12) | ciphertext | tag (16)
 *                    AAD: 1 | length (u16) and UTF-8 of the object's id | length (u16) and UTF-8 of its type
 *     wrapped key    1 | nonce (12) | encrypted sealing key (32) | tag (16)
 *                    AAD: "kmipd sealing key" | 1 | sealing key id (u32)
 */

const format = 1;
const nonceBytes = 12;
const tagBytes = 16;
/** Length of a sealing key in bytes. */
export const sealingKeyBytes = 32;

const keyIdOffset = 1;
const sealedHeaderBytes = 5;

/** Encrypts `plain` for one object under the sealing key `id`. */
export function sealValue(key: Uint8Array, id: number, context: SealContext, plain: Uint8Array): SealedKey {
  const sealed = encrypt(key, sealedHeaderBytes, encodeValueAad(context), plain);
  new DataView(sealed.buffer).setUint32(keyIdOffset, id);
  return sealed as SealedKey;
}

/** Returns the id of the sealing key of a sealed value; undefined for other bytes. */
export function sealingKeyOf(sealed: Uint8Array): number | undefined {
  if (sealed.length < sealedHeaderBytes + nonceBytes + tagBytes || sealed[0] !== format) return undefined;
  return new DataView(sealed.buffer, sealed.byteOffset).getUint32(keyIdOffset);
}

/**
 * Decrypts a sealed value; undefined when it was sealed for another object, under another key, or changed.
 */
export function openSealedValue(
  key: Uint8Array,
  context: SealContext,
  sealed: Uint8Array,
): Uint8Array | undefined {
  return decrypt(key, sealedHeaderBytes, encodeValueAad(context), sealed);
}

/** Encrypts a sealing key under the root key. */
export function wrapSealingKey(rootKey: Uint8Array, id: number, key: Uint8Array): Uint8Array {
  return encrypt(rootKey, 1, encodeKeyAad(id), key);
}

/** Decrypts a sealing key; undefined when it was encrypted under another root key. */
export function unwrapSealingKey(
  rootKey: Uint8Array,
  id: number,
  wrapped: Uint8Array,
): Uint8Array | undefined {
  if (wrapped.length !== 1 + nonceBytes + sealingKeyBytes + tagBytes || wrapped[0] !== format)
    return undefined;
  return decrypt(rootKey, 1, encodeKeyAad(id), wrapped);
}

/**
 * Returns the format byte, `headerBytes - 1` bytes for the caller, nonce, ciphertext and tag, in one new
 * buffer.
 */
function encrypt(
  key: Uint8Array,
  headerBytes: number,
  aad: Uint8Array,
  plain: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(headerBytes + nonceBytes + plain.length + tagBytes);
  result[0] = format;
  const nonce = randomFillSync(result.subarray(headerBytes, headerBytes + nonceBytes));
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(aad);
  result.set(cipher.update(plain), headerBytes + nonceBytes);
  cipher.final();
  result.set(cipher.getAuthTag(), result.length - tagBytes);
  return result;
}

function decrypt(
  key: Uint8Array,
  headerBytes: number,
  aad: Uint8Array,
  bytes: Uint8Array,
): Uint8Array | undefined {
  const body = bytes.subarray(headerBytes + nonceBytes, bytes.length - tagBytes);
  const nonce = bytes.subarray(headerBytes, headerBytes + nonceBytes);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(aad);
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
  const plain = decipher.update(body);
  try {
    decipher.final();
  } catch {
    // GCM decrypts before it verifies: unverified plaintext must not stay in memory.
    plain.fill(0);
    return undefined;
  }
  return new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
}

const encoder = new TextEncoder();

/** Reused by every call, because the cipher has consumed the bytes before the next one. */
let aadBuffer = new Uint8Array(512);

function encodeValueAad({ id, objectType }: SealContext): Uint8Array {
  // UTF-8 needs at most three bytes a UTF-16 unit.
  const maxLength = 5 + 3 * (id.length + objectType.length);
  if (maxLength > aadBuffer.length) aadBuffer = new Uint8Array(maxLength);
  aadBuffer[0] = format;
  return aadBuffer.subarray(0, writeText(writeText(1, id), objectType));
}

/** Writes length and UTF-8 of a text at `at` and returns the end. */
function writeText(at: number, text: string): number {
  const { written } = encoder.encodeInto(text, aadBuffer.subarray(at + 2));
  aadBuffer[at] = written >>> 8;
  aadBuffer[at + 1] = written & 0xff;
  return at + 2 + written;
}

function encodeKeyAad(id: number): Uint8Array {
  const label = encoder.encode('kmipd sealing key');
  const aad = new Uint8Array(label.length + 5);
  aad.set(label);
  aad[label.length] = format;
  new DataView(aad.buffer).setUint32(label.length + 1, id);
  return aad;
}

import { randomFillSync } from 'node:crypto';
import { decryptGcm, encryptGcm, nonceBytes, tagBytes } from './aead.ts';

/**
 * A sealing key under the root key, AES-256-GCM with a random nonce.
 *
 *     1 | nonce (12) | encrypted sealing key (32) | tag (16)
 *     AAD: "kmipd sealing key" | 1 | sealing key id (u32)
 */

const header = Uint8Array.of(1);
/** Length of a sealing key in bytes. */
export const sealingKeyBytes = 32;

/** Encrypts a sealing key under the root key. */
export function wrapSealingKey(rootKey: Uint8Array, id: number, key: Uint8Array): Uint8Array {
  return encryptGcm(rootKey, header, randomFillSync(new Uint8Array(nonceBytes)), encodeAad(id), key);
}

/** Decrypts a sealing key; undefined when it was encrypted under another root key. */
export function unwrapSealingKey(
  rootKey: Uint8Array,
  id: number,
  wrapped: Uint8Array,
): Uint8Array | undefined {
  const length = header.length + nonceBytes + sealingKeyBytes + tagBytes;
  if (wrapped.length !== length || wrapped[0] !== header[0]) return undefined;
  return decryptGcm(rootKey, header.length, encodeAad(id), wrapped);
}

function encodeAad(id: number): Uint8Array {
  const label = new TextEncoder().encode('kmipd sealing key');
  const aad = new Uint8Array(label.length + 5);
  aad.set(label);
  aad.set(header, label.length);
  new DataView(aad.buffer).setUint32(label.length + 1, id);
  return aad;
}

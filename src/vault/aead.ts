import { createCipheriv, createDecipheriv } from 'node:crypto';
import { nonceBytes, tagBytes } from './vault.ts';

/** AES-256-GCM (NIST SP 800-38D) with nonces of 96 and tags of 128 bits. */

/** Returns header, nonce, ciphertext and tag in one new buffer. The header itself is not authenticated. */
export function encryptGcm(
  key: Uint8Array,
  header: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plain: Uint8Array,
): Uint8Array {
  const start = header.length + nonceBytes;
  const result = new Uint8Array(start + plain.length + tagBytes);
  result.set(header);
  result.set(nonce, header.length);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(aad);
  result.set(cipher.update(plain), start);
  cipher.final();
  result.set(cipher.getAuthTag(), result.length - tagBytes);
  return result;
}

/** Decrypts what `encryptGcm` returned; undefined when key, AAD or any byte behind the header is another. */
export function decryptGcm(
  key: Uint8Array,
  headerBytes: number,
  aad: Uint8Array,
  bytes: Uint8Array,
): Uint8Array | undefined {
  const start = headerBytes + nonceBytes;
  if (bytes.length < start + tagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(headerBytes, start), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(aad);
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
  const plain = decipher.update(bytes.subarray(start, bytes.length - tagBytes));
  try {
    decipher.final();
  } catch {
    // GCM decrypts before it verifies: unverified plaintext must not stay in memory.
    plain.fill(0);
    return undefined;
  }
  return new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
}

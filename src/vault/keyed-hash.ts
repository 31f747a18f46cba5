import { hash, hkdfSync } from 'node:crypto';

/**
 * Keyed hashes and derived keys of the vault. A label has one purpose. `lp(text)` is its length in bytes
 * (u32) and its UTF-8, so that parts never run into each other.
 */

const encoder = new TextEncoder();

/** Returns `lp` of each text, one after another. */
export function lengthAndText(...texts: readonly string[]): Uint8Array {
  // UTF-8 needs at most three bytes a UTF-16 unit.
  const buffer = new Uint8Array(texts.reduce((sum, text) => sum + 4 + 3 * text.length, 0));
  const view = new DataView(buffer.buffer);
  let at = 0;
  for (const text of texts) {
    const { written } = encoder.encodeInto(text, buffer.subarray(at + 4));
    view.setUint32(at, written);
    at += 4 + written;
  }
  return buffer.subarray(0, at);
}

/** Derives 32 bytes from a secret by HKDF-SHA256 (RFC 5869). `context` tells keys of one label apart. */
export function deriveVaultKey(
  secret: Uint8Array,
  salt: Uint8Array,
  label: string,
  ...context: readonly string[]
): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, salt, lengthAndText(label, ...context), 32));
}

/**
 * Returns SHA-512/256 (FIPS 180-4) of key (32 bytes), `lp(label)` and the parts, 64 hexadecimal digits. A key
 * before the message is a MAC with this hash, because its state is twice as long as its result: nothing can
 * be appended. Takes 2 µs, an HMAC 5.
 */
export function keyedHash(key: Uint8Array, label: string, ...parts: readonly Uint8Array[]): string {
  const prefix = lengthAndText(label);
  const length = parts.reduce((sum, part) => sum + part.length, key.length + prefix.length);
  const message = new Uint8Array(length);
  message.set(key);
  message.set(prefix, key.length);
  let at = key.length + prefix.length;
  for (const part of parts) {
    message.set(part, at);
    at += part.length;
  }
  // Node returns a digest as text several times faster than as bytes.
  const digest = hash('sha512-256', message, 'hex');
  message.fill(0);
  return digest;
}

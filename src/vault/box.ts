import { hash, hkdfSync, randomFillSync } from 'node:crypto';
import { decryptGcm, encryptGcm, nonceBytes, tagBytes } from './aead.ts';
import type { SealContext } from './vault.ts';

/**
 * A sealed value, AES-256-GCM under a key that HKDF-SHA256 derives from the sealing key for each kind.
 *
 *     2 | kind (u8) | sealing key id (u32) | nonce (12) | ciphertext | tag (16)
 *     AAD of a value:  lp("value") | lp(id) | lp(group) | lp(type)
 *     AAD of a record: lp("record") | lp(kind) | lp(id) | lp(group) | version (u64) | expires (i64; -1: none)
 *
 * lp(text) is its length in bytes (u32) and its UTF-8. The kind and the id of the sealing key choose the key,
 * so that another one does not open. docs/decisions/47-sealed-boxes.md has the reasons.
 */

export const boxFormat = 2;
const headerBytes = 6;
const keyIdOffset = 2;

const kinds: Readonly<Record<SealContext['kind'], number>> = { value: 1, record: 2 };

/** The keys that are derived from one sealing key. */
export interface BoxKeys {
  readonly value: Uint8Array;
  readonly record: Uint8Array;
  /** For nonces of every kind. */
  readonly nonce: Uint8Array;
}

export function deriveBoxKeys(sealingKey: Uint8Array): BoxKeys {
  const derive = (purpose: keyof BoxKeys) =>
    new Uint8Array(hkdfSync('sha256', sealingKey, '', lengthAndText(`kmipd/2 ${purpose}`), 32));
  return { value: derive('value'), record: derive('record'), nonce: derive('nonce') };
}

/** Overwrites the keys. */
export function wipeBoxKeys(keys: BoxKeys): void {
  for (const key of Object.values<Uint8Array>({ ...keys })) key.fill(0);
}

/**
 * Encrypts `plain` for one row under the keys of sealing key `id`. `random` fills a buffer with random bytes;
 * only tests use another one.
 */
export function sealBox(
  keys: BoxKeys,
  id: number,
  context: SealContext,
  plain: Uint8Array,
  random: (buffer: Uint8Array) => void = randomFillSync,
): Uint8Array {
  const header = new Uint8Array(headerBytes);
  header.set([boxFormat, kinds[context.kind]]);
  new DataView(header.buffer).setUint32(keyIdOffset, id);
  const aad = encodeAad(context);
  const padded = hasSecretLength(context) ? pad(plain) : plain;
  const nonce = computeNonce(keys.nonce, header, aad, padded, random);
  const sealed = encryptGcm(keys[context.kind], header, nonce, aad, padded);
  if (padded !== plain) padded.fill(0);
  return sealed;
}

/** Returns the id of the sealing key of a box; undefined for bytes that are none. */
export function readBoxKeyId(sealed: Uint8Array): number | undefined {
  if (sealed.length < headerBytes + nonceBytes + tagBytes) return undefined;
  return new DataView(sealed.buffer, sealed.byteOffset).getUint32(keyIdOffset);
}

/** Decrypts a box; undefined when it belongs to another row, is of another kind, or was changed. */
export function openBox(keys: BoxKeys, context: SealContext, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed[0] !== boxFormat || sealed[1] !== kinds[context.kind]) return undefined;
  const plain = decryptGcm(keys[context.kind], headerBytes, encodeAad(context), sealed);
  return plain !== undefined && hasSecretLength(context) ? unpad(plain) : plain;
}

/**
 * Computes a nonce of random bytes and of everything that it encrypts: a machine restored from a snapshot of
 * its memory, or a random source that repeats, repeats a nonce for equal contents only.
 */
function computeNonce(
  key: Uint8Array,
  header: Uint8Array,
  aad: Uint8Array,
  plain: Uint8Array,
  random: (buffer: Uint8Array) => void,
): Uint8Array {
  const randomBytes = new Uint8Array(16);
  random(randomBytes);
  const length = Uint8Array.of(aad.length >>> 24, aad.length >>> 16, aad.length >>> 8, aad.length);
  const parts = [key, header, randomBytes, length, aad, plain];
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  // Node returns a digest as text several times faster than as bytes.
  const nonce = Uint8Array.fromHex(hash('sha512-256', all, 'hex').slice(0, 2 * nonceBytes));
  all.fill(0);
  return nonce;
}

/** Types of which the length of the value is a secret too: a password, say. */
const typesOfSecretLength: ReadonlySet<string> = new Set(['SecretData', 'OpaqueObject']);
const paddedBytes = 64;

function hasSecretLength(context: SealContext): boolean {
  return context.kind === 'value' && typesOfSecretLength.has(context.objectType);
}

/** Appends 0x80 and zeros (ISO/IEC 9797-1, padding method 2) up to a multiple of 64 bytes. */
function pad(plain: Uint8Array): Uint8Array {
  const padded = new Uint8Array(plain.length + paddedBytes - (plain.length % paddedBytes));
  padded.set(plain);
  padded[plain.length] = 0x80;
  return padded;
}

/** Removes the padding of authentic bytes. The result is in memory of its own, so that wiping wipes all. */
function unpad(plain: Uint8Array): Uint8Array {
  const unpadded = plain.slice(0, plain.lastIndexOf(0x80));
  plain.fill(0);
  return unpadded;
}

function encodeAad(context: SealContext): Uint8Array {
  if (context.kind === 'value') {
    const { kind, id, group, objectType } = context;
    return lengthAndText(kind, id, group, objectType);
  }
  const { kind, recordKind, id, group, version, expires } = context;
  const names = lengthAndText(kind, recordKind, id, group);
  const aad = new Uint8Array(names.length + 16);
  aad.set(names);
  const view = new DataView(aad.buffer);
  view.setBigUint64(names.length, BigInt(version));
  view.setBigInt64(names.length + 8, BigInt(expires ?? -1));
  return aad;
}

const encoder = new TextEncoder();

/** Returns length (u32) and UTF-8 of each text. */
function lengthAndText(...texts: readonly string[]): Uint8Array {
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

import { decryptGcm } from '../vault/aead.ts';
import { unpad, withNumbers } from '../vault/box.ts';
import { deriveVaultKey, lengthAndText } from '../vault/keyed-hash.ts';
import { typesOfSecretLength } from '../vault/vault.ts';

/**
 * What the first design sealed, in two formats, which are only opened (AES-256-GCM, SP 800-38D).
 *
 *     1 | sealing key id (u32) | nonce (12) | ciphertext | tag (16)        under the sealing key itself
 *     AAD: 1 | length (u16) and UTF-8 of the identifier | length (u16) and UTF-8 of the type
 *
 *     2 | kind (u8) | sealing key id (u32) | nonce (12) | ciphertext | tag (16)
 *     AAD of a value:  lp("value") | lp(id) | lp(group) | lp(type)
 *     AAD of a record: lp("record") | lp(kind) | lp(id) | lp(group) | version (u64) | expires (i64; -1: none)
 *
 * lp(text) is its length in bytes (u32) and its UTF-8. The key of a box of format 2 is derived by HKDF-SHA256
 * for its kind (`value` 1, `record` 2). In format 1 the identifier of a record is its kind, a slash and its
 * id, and its type is `record`. A sealing key is encrypted under the root key:
 *
 *     1 | nonce (12) | encrypted sealing key (32) | tag (16)          AAD: "kmipd sealing key" | 1 | id (u32)
 */

/** The row to which a box is bound. */
export type OldContext =
  | { readonly kind: 'value'; readonly id: string; readonly group: string; readonly objectType: string }
  | {
      readonly kind: 'record';
      readonly recordKind: string;
      readonly id: string;
      readonly group: string;
      readonly version: number;
      readonly expires: number | null;
    };

/** A sealing key and the keys that are derived from it. */
export interface OldSealingKey {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly record: Uint8Array;
}

const wrappedBytes = 1 + 12 + 32 + 16;
const kinds: Readonly<Record<OldContext['kind'], number>> = { value: 1, record: 2 };

/** Decrypts a sealing key; undefined when it was encrypted under another root key. */
export function unwrapSealingKey(
  rootKey: Uint8Array,
  id: number,
  wrapped: Uint8Array,
): OldSealingKey | undefined {
  if (wrapped.length !== wrappedBytes || wrapped[0] !== 1) return undefined;
  const aad = Uint8Array.of(...encode('kmipd sealing key'), 1, ...u32(id));
  const key = decryptGcm(rootKey, 1, aad, wrapped);
  if (key === undefined) return undefined;
  const derive = (purpose: OldContext['kind']) => deriveVaultKey(key, new Uint8Array(), `kmipd/2 ${purpose}`);
  return { key, value: derive('value'), record: derive('record') };
}

/** Returns the id of the sealing key of a box; undefined for bytes that are none. */
export function readSealingKeyId(sealed: Uint8Array): number | undefined {
  const at = { 1: 1, 2: 2 }[sealed[0] ?? 0];
  if (at === undefined || sealed.length < at + 4) return undefined;
  return new DataView(sealed.buffer, sealed.byteOffset).getUint32(at);
}

/** Decrypts a box of either format; undefined when it belongs to another row or was changed. */
export function openOldBox(
  keys: OldSealingKey,
  context: OldContext,
  sealed: Uint8Array,
): Uint8Array | undefined {
  if (sealed[0] === 1) return decryptGcm(keys.key, 5, encodeFirstAad(context), sealed);
  if (sealed[1] !== kinds[context.kind]) return undefined;
  const plain = decryptGcm(keys[context.kind], 6, encodeAad(context), sealed);
  const isPadded = context.kind === 'value' && typesOfSecretLength.has(context.objectType);
  return plain !== undefined && isPadded ? unpad(plain) : plain;
}

function encodeFirstAad(context: OldContext): Uint8Array {
  const texts =
    context.kind === 'value'
      ? [context.id, context.objectType]
      : [`${context.recordKind}/${context.id}`, 'record'];
  return Uint8Array.of(1, ...texts.map(encode).flatMap((text) => [...u32(text.length).slice(2), ...text]));
}

function encodeAad(context: OldContext): Uint8Array {
  if (context.kind === 'value')
    return lengthAndText(context.kind, context.id, context.group, context.objectType);
  const { kind, recordKind, id, group, version, expires } = context;
  return withNumbers(lengthAndText(kind, recordKind, id, group), version, expires ?? -1);
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const u32 = (value: number): number[] =>
  [value >>> 24, value >>> 16, value >>> 8, value].map((each) => each & 0xff);

import { decryptGcm } from './aead.ts';
import type { SealContext } from './vault.ts';

/**
 * Values that an older kmipd sealed, which are only opened.
 *
 *     1 | sealing key id (u32) | nonce (12) | ciphertext | tag (16)
 *     AAD: 1 | length (u16) and UTF-8 of the identifier | length (u16) and UTF-8 of the type
 *
 * The identifier of a record is its kind, a slash and its id; its type is `record`.
 */

export const firstFormat = 1;
const headerBytes = 5;

/** Returns the id of the sealing key. */
export function readFirstFormatKeyId(sealed: Uint8Array): number | undefined {
  if (sealed.length < headerBytes) return undefined;
  return new DataView(sealed.buffer, sealed.byteOffset).getUint32(1);
}

/** Decrypts with the sealing key itself; undefined when the value is another one, or changed. */
export function openFirstFormat(
  key: Uint8Array,
  context: SealContext,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const [id, type] =
    context.kind === 'value'
      ? [context.id, context.objectType]
      : [`${context.recordKind}/${context.id}`, 'record'];
  const parts = [id, type].map((text) => new TextEncoder().encode(text));
  const aad = parts.flatMap((part) => [part.length >>> 8, part.length & 0xff, ...part]);
  return decryptGcm(key, headerBytes, Uint8Array.of(firstFormat, ...aad), sealed);
}

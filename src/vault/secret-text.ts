import { allocateSecretBytes } from '../common/secret.ts';

/** Texts of secrets as bytes in ASCII: strings cannot be overwritten. */

const ascii = (text: string) => new TextEncoder().encode(text);
const hexDigits = ascii('0123456789abcdef');
const base64Digits = ascii('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const padding = '='.charCodeAt(0);

/** Writes bytes in lowercase hexadecimal at a place of a buffer; returns where they end. */
export function writeHex(buffer: Uint8Array, start: number, bytes: Uint8Array): number {
  let at = start;
  for (const byte of bytes) {
    buffer[at] = hexDigits[byte >> 4] ?? 0;
    buffer[at + 1] = hexDigits[byte & 15] ?? 0;
    at += 2;
  }
  return at;
}

/** Returns a view without the white space around it. */
export function trimSpace(text: Uint8Array): Uint8Array {
  const isSpace = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
  let [from, to] = [0, text.length];
  while (from < to && isSpace(text[from] ?? 0)) from += 1;
  while (to > from && isSpace(text[to - 1] ?? 0)) to -= 1;
  return text.subarray(from, to);
}

/** Decodes 32 bytes in hexadecimal or Base64, with white space around; undefined for any other text. */
export function decodeKeyText(text: Uint8Array): Uint8Array | undefined {
  const digits = trimSpace(text);
  if (digits.length === 64) return decodeHexText(digits);
  if (digits.length === 44 && digits[43] === padding)
    return decodeDigits(digits.subarray(0, 43), 6, (byte) => base64Digits.indexOf(byte));
  return undefined;
}

/** Decodes hexadecimal digits, an even number of them; undefined for any other text. */
export function decodeHexText(digits: Uint8Array): Uint8Array | undefined {
  if (digits.length % 2 !== 0) return undefined;
  return decodeDigits(digits, 4, (byte) =>
    hexDigits.indexOf(byte >= 0x41 && byte <= 0x46 ? byte | 0x20 : byte),
  );
}

/** Concatenates `bits` of each character; the spare bits of the last one must be zero. */
function decodeDigits(
  digits: Uint8Array,
  bits: number,
  value: (byte: number) => number,
): Uint8Array | undefined {
  const bytes = allocateSecretBytes(Math.floor((digits.length * bits) / 8));
  let [held, holding, at, valid] = [0, 0, 0, true];
  for (const byte of digits) {
    const digit = value(byte);
    valid &&= digit >= 0;
    held = ((held << bits) | (digit & ((1 << bits) - 1))) & 0xffff;
    holding += bits;
    if (holding >= 8) {
      holding -= 8;
      bytes[at] = held >> holding;
      at += 1;
    }
  }
  if (valid && (held & ((1 << holding) - 1)) === 0) return bytes;
  bytes.fill(0);
  return undefined;
}

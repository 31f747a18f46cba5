import { CommandError } from '../failure.ts';
import { readDump } from './dump-rows.ts';

/** The notations in which people write down the bytes of a message. */

const hexDigits = /^[\s|:,]*(?:0x)?(?:[0-9a-f][\s|:,]*)+$/i;
/** Base64 of bytes that begin with a tag, 42 00 or 54: many words are Base64 of something. */
const base64Digits = /^\s*(?:QgB|V[A-Z])(?:[A-Za-z0-9+/_-]\s*)+(?:=\s*){0,2}$/;
/** `0x42, 0x00, …` of C and kin, with or without braces and a declaration; `\x42\x00…` inside a string. */
const arrayByte = /0x([0-9a-f]{1,2})(?![0-9a-z])/gi;
const escapedByte = /\\x([0-9a-f]{2})/gi;

/**
 * Returns the bytes that a text writes down as hexadecimal digits, a dump with offsets, an array of C,
 * escapes of a string or Base64; undefined when it is none of these.
 * @throws {CommandError} for a notation with a mistake in it.
 */
export function readNotation(text: string): Uint8Array | undefined {
  return readDump(text) ?? readArray(text) ?? readHex(text) ?? readBase64(text);
}

function readHex(text: string): Uint8Array | undefined {
  if (!hexDigits.test(text)) return undefined;
  const digits = text.replaceAll(/0x|[\s|:,]/gi, '');
  if (digits.length % 2 === 0) return Uint8Array.fromHex(digits);
  throw new CommandError(
    `the hex has an odd number of digits (${digits.length}); one is missing or too many`,
  );
}

function readArray(text: string): Uint8Array | undefined {
  const body = /\{([^{}]*)\}/.exec(text)?.[1] ?? /^\s*\[([^[\]]*)\]\s*$/.exec(text)?.[1] ?? text;
  const pattern = /0x/i.test(body) && body.includes(',') ? arrayByte : escapedByte;
  const rest = body.replaceAll(pattern, '');
  // What is left of an array are commas and blanks; of a string, its quotes and concatenation.
  if (rest === body || !/^[\s,"'b+;()\\]*$/.test(rest)) return undefined;
  return Uint8Array.from([...body.matchAll(pattern)].map(([, digits = '']) => Number.parseInt(digits, 16)));
}

function readBase64(text: string): Uint8Array | undefined {
  if (!base64Digits.test(text)) return undefined;
  const digits = text.replaceAll(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/');
  try {
    return Uint8Array.fromBase64(digits);
  } catch {
    return undefined;
  }
}

const hexOf = (text: string) => new TextEncoder().encode(text).toHex();
const onTheNetwork = 'decode what is inside the connection, not what is on the network';

/** What people capture or copy instead of a KMIP message, by its first bytes in hexadecimal. */
const otherContents: readonly (readonly [begin: readonly string[], what: string])[] = [
  [['1603'], `a TLS handshake: ${onTheNetwork}`],
  [['1403', '1503', '1703'], `a TLS record: ${onTheNetwork}`],
  [['GET /', 'POST /', 'PUT /', 'HTTP/'].map(hexOf), 'HTTP: give the body alone'],
  [
    ['00420178', '0042017b', '01780042', '017b0042'],
    'a dump of words in the byte order of the machine: use xxd',
  ],
  [[hexOf('-----BEGIN ')], 'PEM: give the message alone'],
  [['3081', '3082', '3083'], 'DER (a key or certificate)'],
  [['d4c3b2a1', 'a1b2c3d4', '0a0d0d0a'], 'a capture file: export the bytes of the stream'],
];

/**
 * Refuses bytes that cannot be TTLV: a tag begins with 42 (the specification's) or 54 (extensions), and the
 * fourth byte is a type, 01 to 0B (KMIP 2.1 §9.1).
 * @throws {CommandError} that says what the bytes look like instead.
 */
export function requireTtlv(bytes: Uint8Array): void {
  const [first, , , type] = bytes;
  const isTag = first === 0x42 || first === 0x54;
  if (isTag && (type === undefined || (type >= 1 && type <= 0x0b))) return;
  const start = bytes.subarray(0, 16).toHex();
  const other = otherContents.find(([begins]) => begins.some((begin) => start.startsWith(begin)))?.[1];
  const shown = bytes
    .subarray(0, 4)
    .toHex()
    .replaceAll(/..(?=.)/g, '$& ');
  throw new CommandError(
    `this is no TTLV: it begins with ${shown}, a message with 42 00 78 01 or 42 00 7b 01` +
      (other === undefined ? '' : `; it looks like ${other}`),
  );
}

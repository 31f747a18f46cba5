import { CommandError } from '../failure.ts';
import { readDump } from './dump-rows.ts';

/** The notations in which people write down the bytes of a message. */

const hexDigits = /^[\s|:,]*(?:0x)?(?:[0-9a-f][\s|:,]*)+$/i;
/** Base64 of bytes that begin with a tag, 42 00 or 54: many words are Base64 of something. */
const base64Digits = /^\s*(?:QgB|V[A-Z])(?:[A-Za-z0-9+/_-]\s*)+(?:=\s*){0,2}$/;
/** A byte of an array in C and kin: `0x42`, or a decimal number beside such. */
const arrayByte = /(?<![0-9a-z])(?:0x([0-9a-f]{1,2})|(25[0-5]|2[0-4]\d|1\d\d|\d{1,2}))(?![0-9a-z])/gi;
/** A string of C or Python. */
const stringLiteral = /b?"((?:[^"\\]|\\.)*)"|b?'((?:[^'\\]|\\.)*)'/g;
/** A character of a string: an escape, or one that stands for itself. */
const stringByte = /\\x([0-9a-f]{2})|\\([0-7]{1,3})|\\([abtnvfr\\'"])|([ -~])/gi;
const escapes: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

/**
 * Returns the bytes that a text writes down as hexadecimal digits, a dump with offsets, an array of C,
 * escapes of a string or Base64; undefined when it is none of these.
 * @throws {CommandError} for a notation with a mistake in it.
 */
export function readNotation(text: string): Uint8Array | undefined {
  return readDump(text) ?? readArray(text) ?? readString(text) ?? readHex(text) ?? readBase64(text);
}

function readHex(text: string): Uint8Array | undefined {
  if (!hexDigits.test(text)) return undefined;
  const digits = text.replaceAll(/0x|[\s|:,]/gi, '');
  if (digits.length % 2 === 0) return Uint8Array.fromHex(digits);
  throw new CommandError(
    `the hex has an odd number of digits (${digits.length}); one is missing or too many`,
  );
}

/** The bytes of TTLV begin with 0x42 or 0x54, so that a list begins with one of these numbers. */
const firstDecimals: readonly string[] = ['66', '84'];

/**
 * Reads `{0x42, 0x00, …}` of C and kin, with or without braces and a declaration, and lists of decimal
 * numbers in brackets, as Python and Go print bytes.
 */
function readArray(text: string): Uint8Array | undefined {
  const enclosed = /\{([^{}]*)\}/.exec(text)?.[1] ?? /^\s*\[([^[\]]*)\]\s*$/.exec(text)?.[1];
  const body = enclosed ?? text;
  const isDecimal = enclosed !== undefined && firstDecimals.includes(/^\s*(\d+)/.exec(body)?.[1] ?? '');
  if (!isDecimal && !/0x.*,/is.test(body)) return undefined;
  if (!/^[\s,]*$/.test(body.replaceAll(arrayByte, ''))) return undefined;
  return Uint8Array.from(
    [...body.matchAll(arrayByte)].map(([, hex, decimal]) =>
      hex === undefined ? Number(decimal) : Number.parseInt(hex, 16),
    ),
  );
}

/** Reads the literals of a string, or the inside of one, as C and Python write bytes. */
function readString(text: string): Uint8Array | undefined {
  if (!/\\x?[0-7a-f]/i.test(text)) return undefined;
  const isQuoted = /^[\s(]*b?["']/.test(text);
  // What is left beside literals are concatenation and the end of a statement.
  if (isQuoted && !/^[\s+();,\\]*$/.test(text.replaceAll(stringLiteral, ''))) return undefined;
  const inside = isQuoted
    ? [...text.matchAll(stringLiteral)].map(([, double, single]) => double ?? single ?? '').join('')
    : text.trim();
  if (inside.replaceAll(stringByte, '') !== '') return undefined;
  return Uint8Array.from(
    [...inside.matchAll(stringByte)].map(([, hex, octal, escape, itself]) => {
      if (hex !== undefined) return Number.parseInt(hex, 16);
      if (octal !== undefined) return Number.parseInt(octal, 8);
      return escapes[escape ?? ''] ?? (escape ?? itself ?? '').charCodeAt(0);
    }),
  );
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

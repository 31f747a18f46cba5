import { isTagName, type TagName, tagNumber } from '../tags.ts';
import { WireError } from '../wire-error.ts';
import { maskOf, vocabularyOf } from './dictionary.ts';
import type { TypedValue } from './node.ts';
import type { TypeName } from './types.ts';

/**
 * How XML and JSON spell values as text (KMIP Profiles 1.4 §4 and §5, 2.1 §5.4 and §5.5). Reading accepts every form
 * that either encoding has; writing gives the one form of each. Errors say what was expected, never what stood there.
 */

function refuse(expected: string): never {
  throw new WireError('field', `must be ${expected}`);
}

const decimal = /^[+-]?[0-9]{1,20}$/;
const hexWord = /^0x[0-9a-f]{1,8}$/i;
const hexLong = /^0x[0-9a-f]{1,16}$/i;

/** Decimal or `0x` and up to eight digits, which are the 32 bits of a signed number. */
export function parseInteger(text: string): number {
  if (hexWord.test(text)) return Number(text) | 0;
  const value = decimal.test(text) ? Number(text) : Number.NaN;
  return value === (value | 0) ? value | 0 : refuse('a 32-bit integer, decimal or 0x hex');
}

/** A mask: names and hex words with spaces or `|` between them, or one decimal number. */
export function parseMask(text: string, subject: TagName | undefined): number {
  const bits = maskOf(subject);
  if (bits === undefined || /^\s*[+-]?[0-9]+\s*$/.test(text)) return parseInteger(text.trim());
  let value = 0;
  for (const word of text.split(/[\s|]+/)) {
    if (word === '') continue;
    value |= hexWord.test(word) ? Number(word) | 0 : (bits.fromText(word) ?? refuse(`names of ${bits.name}`));
  }
  return value;
}

/** Names of the bits, the nameless ones as one hex word, with `separator` between them; undefined when no mask. */
export function formatMask(
  value: number,
  subject: TagName | undefined,
  separator: string,
): string | undefined {
  const bits = maskOf(subject);
  if (bits === undefined || value === 0) return undefined;
  const { names, rest } = bits.split(value);
  return [...names, ...(rest === 0 ? [] : [formatWord(rest)])].join(separator);
}

/** `0x` and eight digits. */
export function formatWord(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
}

/** A member's name, an alias of it, or `0x` hex. */
export function parseEnumeration(text: string, subject: TagName | undefined): number {
  if (hexWord.test(text)) return Number(text);
  return vocabularyOf(subject)?.valueOf(text) ?? refuse('a name of its enumeration or 0x hex');
}

/** A member's name, or `0x` hex where there is none. */
export function formatEnumeration(value: number, subject: TagName | undefined): string {
  return vocabularyOf(subject)?.textOf(value) ?? formatWord(value);
}

/** Decimal or `0x` and up to sixteen digits, which are the 64 bits of a signed number. */
export function parseLong(text: string): bigint {
  if (hexLong.test(text)) return BigInt.asIntN(64, BigInt(text));
  const value = decimal.test(text)
    ? BigInt(text.replace('+', ''))
    : refuse('a 64-bit integer, decimal or 0x hex');
  return value === BigInt.asIntN(64, value) ? value : refuse('a 64-bit integer, decimal or 0x hex');
}

/** `0x` and sixteen digits. */
export function formatLong(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16).padStart(16, '0')}`;
}

/** Hex digits, two a byte, in memory of their own. */
export function parseBytes(text: string): Uint8Array {
  try {
    return Uint8Array.fromHex(text);
  } catch {
    return refuse('pairs of hex digits');
  }
}

/** Hex digits with or without `0x`; two's complement, extended with sign bytes to a multiple of 8 bytes. */
export function parseBigInteger(text: string): Uint8Array {
  return signExtend(parseBytes(/^0x/i.test(text) ? text.slice(2) : text));
}

/** A Big Integer as the binary encoding has it: at least 8 bytes, a multiple of 8. */
export function signExtend(value: Uint8Array): Uint8Array {
  const length = Math.max(8, Math.ceil(value.length / 8) * 8);
  if (length === value.length) return value;
  const extended = new Uint8Array(length).fill((value[0] ?? 0) & 0x80 ? 0xff : 0);
  extended.set(value, length - value.length);
  return extended;
}

export function parseBoolean(text: string): boolean {
  if (text === 'true' || /^0x0*1$/i.test(text)) return true;
  if (text === 'false' || /^0x0+$/i.test(text)) return false;
  return refuse('true or false');
}

/** Seconds: decimal or hex. */
export function parseInterval(text: string): number {
  if (hexWord.test(text)) return Number(text);
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return value === value >>> 0 ? value : refuse('seconds in 32 bits, decimal or 0x hex');
}

const dateTime = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?$/i;

/** Microseconds since 1970 of an xsd:dateTime; without a zone it is UTC. */
function parseInstant(text: string): bigint {
  const match = dateTime.exec(text);
  if (match === null) return refuse('a date and time with zone, or 0x hex');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = month > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!exists || hour > 23 || minute > 59 || second > 59) return refuse('a date that exists');
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - zoneOffset(match[8] ?? 'Z');
  return BigInt(seconds) * 1_000_000n + BigInt((match[7] ?? '').padEnd(6, '0').slice(0, 6));
}

/** Seconds east of Greenwich. */
function zoneOffset(zone: string): number {
  if (zone.toUpperCase() === 'Z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  if (hours > 14 || minutes > 59) return refuse('a zone of at most 14 hours');
  return (zone.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60);
}

/** Seconds since 1970; a fraction is ignored. Beyond 2^53 − 1 the nearest exact number, as in the binary reader. */
export function parseDate(text: string): number {
  if (!hexLong.test(text)) {
    const micros = parseInstant(text);
    return Number((micros - (((micros % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n);
  }
  const seconds = Number(parseLong(text));
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, seconds));
}

/** Microseconds since 1970. */
export function parseDateExtended(text: string): bigint {
  return hexLong.test(text) ? parseLong(text) : parseInstant(text);
}

/** What four digits of a year can say: 0001-01-01 to 9999-12-31, in seconds. */
const firstSecond = -62_135_596_800;
const lastSecond = 253_402_300_799;

/** xsd:dateTime in UTC; hex outside the years 1 to 9999. */
export function formatDate(seconds: number): string {
  if (seconds < firstSecond || seconds > lastSecond) return formatLong(BigInt(seconds));
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}+00:00`;
}

/** xsd:dateTime in UTC with microseconds; hex outside the years 1 to 9999. */
export function formatDateExtended(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const date = formatDate(Number((micros - fraction) / 1_000_000n));
  return date.startsWith('0x')
    ? formatLong(micros)
    : date.replace('+', `.${String(fraction).padStart(6, '0')}+`);
}

/** A tag by its XML name or as `0x` and six digits; standard and extension tags only. */
export function parseTag(text: string): number | undefined {
  if (isTagName(text)) return tagNumber(text);
  return /^0x(42|54)[0-9a-f]{4}$/i.test(text) ? Number(text) : undefined;
}

/** A value of any type but Structure from its text. */
export function parseValue(
  type: Exclude<TypeName, 'Structure'>,
  text: string,
  subject: TagName | undefined,
): TypedValue {
  switch (type) {
    case 'Integer':
      return { type, value: parseMask(text, subject) };
    case 'LongInteger':
      return { type, value: parseLong(text) };
    case 'BigInteger':
      return { type, value: parseBigInteger(text) };
    case 'Enumeration':
      return { type, value: parseEnumeration(text, subject) };
    case 'Boolean':
      return { type, value: parseBoolean(text) };
    case 'TextString':
      return { type, value: text.isWellFormed() ? text : refuse('Unicode text') };
    case 'ByteString':
      return { type, value: parseBytes(text) };
    case 'DateTime':
      return { type, value: parseDate(text) };
    case 'Interval':
      return { type, value: parseInterval(text) };
    case 'DateTimeExtended':
      return { type, value: parseDateExtended(text) };
  }
}

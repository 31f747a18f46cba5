import { isTagName, type TagName, tagNumber } from '../tags.ts';
import { WireError } from '../wire-error.ts';
import { maskOf, vocabularyOf } from './dictionary.ts';
import type { TypedValue } from './node.ts';
import type { TypeName } from './types.ts';

/**
 * Values as text in XML and JSON (KMIP Profiles 1.4 §4 and §5, 2.1 §5.4 and §5.5). The parsers accept every
 * form that either encoding has and throw WireError `field` for other texts; the message names the expected
 * form, never the text. The formatters write one form each.
 */

/** Throws a WireError that names the expected form. */
function refuse(expected: string): never {
  throw new WireError('field', `must be ${expected}`);
}

const decimal = /^[+-]?[0-9]{1,20}$/;
const hexWord = /^0x[0-9a-f]{1,8}$/i;
const hexLong = /^0x[0-9a-f]{1,16}$/i;

/** Parses an Integer: decimal, or `0x` and up to eight digits, the 32 bits of a signed number. */
function parseInteger(text: string): number {
  if (hexWord.test(text)) return Number(text) | 0;
  const value = decimal.test(text) ? Number(text) : Number.NaN;
  return value === (value | 0) ? value | 0 : refuse('a 32-bit integer, decimal or 0x hex');
}

/** Parses a mask: names and hex words separated by spaces or `|`, or one decimal number. */
function parseMask(text: string, vocabularyTag: TagName | undefined): number {
  const bits = maskOf(vocabularyTag);
  if (bits === undefined || /^\s*[+-]?[0-9]+\s*$/.test(text)) return parseInteger(text.trim());
  let value = 0;
  for (const word of text.split(/[\s|]+/)) {
    if (word === '') continue;
    value |= hexWord.test(word) ? Number(word) | 0 : (bits.fromText(word) ?? refuse(`names of ${bits.name}`));
  }
  return value;
}

/**
 * Formats a mask: the names of its bits, bits without a name as one hex word, joined by `separator`.
 * Undefined when the tag has no mask, and for 0.
 */
export function formatMask(
  value: number,
  vocabularyTag: TagName | undefined,
  separator: string,
): string | undefined {
  const bits = maskOf(vocabularyTag);
  if (bits === undefined || value === 0) return undefined;
  const { names, rest } = bits.split(value);
  return [...names, ...(rest === 0 ? [] : [formatWord(rest)])].join(separator);
}

/** Formats 32 bits as `0x` and eight digits. */
export function formatWord(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
}

/** Parses an Enumeration: the name of a member, an alias, or `0x` hex. */
function parseEnumeration(text: string, vocabularyTag: TagName | undefined): number {
  if (hexWord.test(text)) return Number(text);
  return vocabularyOf(vocabularyTag)?.valueOf(text) ?? refuse('a name of its enumeration or 0x hex');
}

/** Formats an Enumeration: the name of the member, or `0x` hex when it has none. */
export function formatEnumeration(value: number, vocabularyTag: TagName | undefined): string {
  return vocabularyOf(vocabularyTag)?.textOf(value) ?? formatWord(value);
}

/** Parses a Long Integer: decimal, or `0x` and up to sixteen digits, the 64 bits of a signed number. */
function parseLong(text: string): bigint {
  if (hexLong.test(text)) return BigInt.asIntN(64, BigInt(text));
  const value = decimal.test(text)
    ? BigInt(text.replace('+', ''))
    : refuse('a 64-bit integer, decimal or 0x hex');
  return value === BigInt.asIntN(64, value) ? value : refuse('a 64-bit integer, decimal or 0x hex');
}

/** Formats 64 bits as `0x` and sixteen digits. */
export function formatLong(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16).padStart(16, '0')}`;
}

/** Parses hex digits, two for each byte, into a new buffer. */
function parseBytes(text: string): Uint8Array {
  try {
    return Uint8Array.fromHex(text);
  } catch {
    return refuse('pairs of hex digits');
  }
}

/**
 * Parses a Big Integer: hex digits in two's complement, with or without `0x`; sign bytes extend it to a
 * multiple of 8 bytes.
 */
export function parseBigInteger(text: string): Uint8Array {
  return signExtend(parseBytes(/^0x/i.test(text) ? text.slice(2) : text));
}

/**
 * Extends a Big Integer with sign bytes to the length of the binary encoding: at least 8 bytes, a multiple of
 * 8.
 */
export function signExtend(value: Uint8Array): Uint8Array {
  const length = Math.max(8, Math.ceil(value.length / 8) * 8);
  if (length === value.length) return value;
  const extended = new Uint8Array(length).fill((value[0] ?? 0) & 0x80 ? 0xff : 0);
  extended.set(value, length - value.length);
  return extended;
}

/** Parses `true` and `false`, or hex 1 and 0. */
function parseBoolean(text: string): boolean {
  if (text === 'true' || /^0x0*1$/i.test(text)) return true;
  if (text === 'false' || /^0x0+$/i.test(text)) return false;
  return refuse('true or false');
}

/** Parses seconds: decimal or hex. */
function parseInterval(text: string): number {
  if (hexWord.test(text)) return Number(text);
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return value === value >>> 0 ? value : refuse('seconds in 32 bits, decimal or 0x hex');
}

const dateTime = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?$/i;

/** Parses an xsd:dateTime into POSIX microseconds; without a zone it is UTC. */
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

/** Parses a zone into seconds east of Greenwich. */
function zoneOffset(zone: string): number {
  if (zone.toUpperCase() === 'Z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  if (hours > 14 || minutes > 59) return refuse('a zone of at most 14 hours');
  return (zone.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60);
}

/**
 * Parses a date into POSIX seconds, limited to ±(2^53 − 1) as in the binary reader; a fraction is ignored.
 */
function parseDate(text: string): number {
  if (!hexLong.test(text)) {
    const micros = parseInstant(text);
    return Number((micros - (((micros % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n);
  }
  const seconds = Number(parseLong(text));
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, seconds));
}

/** Parses a date into POSIX microseconds. */
function parseDateExtended(text: string): bigint {
  return hexLong.test(text) ? parseLong(text) : parseInstant(text);
}

/** 0001-01-01 and 9999-12-31 in POSIX seconds: the range of four-digit years. */
const firstSecond = -62_135_596_800;
const lastSecond = 253_402_300_799;

/** Formats POSIX seconds as xsd:dateTime in UTC; as hex outside the years 1 to 9999. */
export function formatDate(seconds: number): string {
  if (seconds < firstSecond || seconds > lastSecond) return formatLong(BigInt(seconds));
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}+00:00`;
}

/** Formats POSIX microseconds as xsd:dateTime in UTC; as hex outside the years 1 to 9999. */
export function formatDateExtended(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const date = formatDate(Number((micros - fraction) / 1_000_000n));
  return date.startsWith('0x')
    ? formatLong(micros)
    : date.replace('+', `.${String(fraction).padStart(6, '0')}+`);
}

/**
 * Parses a tag: its XML name, or `0x` and six digits of a standard or extension tag; undefined for other
 * texts.
 */
export function parseTag(text: string): number | undefined {
  if (isTagName(text)) return tagNumber(text);
  return /^0x(42|54)[0-9a-f]{4}$/i.test(text) ? Number(text) : undefined;
}

/**
 * UTF-16 units of a number, a date, a word or a mask; a mask of all names has fewer.
 */
const maxWordUnits = 4_096;

/**
 * Parses the text of a value of any type but Structure.
 *
 * @throws {WireError} `field` when the text is not a value of that type.
 */
export function parseValue(
  type: Exclude<TypeName, 'Structure'>,
  text: string,
  vocabularyTag: TagName | undefined,
): TypedValue {
  const isLong = type === 'TextString' || type === 'ByteString' || type === 'BigInteger';
  if (!isLong && text.length > maxWordUnits) refuse(`at most ${maxWordUnits} characters long`);
  switch (type) {
    case 'Integer':
      return { type, value: parseMask(text, vocabularyTag) };
    case 'LongInteger':
      return { type, value: parseLong(text) };
    case 'BigInteger':
      return { type, value: parseBigInteger(text) };
    case 'Enumeration':
      return { type, value: parseEnumeration(text, vocabularyTag) };
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

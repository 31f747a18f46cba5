import { InvalidDerError } from './der.ts';

/*
 * The rules of DER beyond BER (X.690 §10 and §11) that an encoding shows by itself: another encoding of the
 * same value would be another certificate with another digest. Default values and the order of a SET are not
 * examined: they need the schema, or are not unique in certificates in use.
 */

const maxDepth = 32;
const constructedBit = 0x20;
const universal = { boolean: 1, integer: 2, bitString: 3, null: 5, enumerated: 10, sequence: 16, set: 17 };

/**
 * Refuses bytes that are not one item in DER: indefinite or long lengths, strings in pieces, numbers with
 * superfluous bytes, other truths than 0xFF, bits that are not used and set, high tags in more bytes than
 * needed.
 * @throws {InvalidDerError} saying which rule is broken
 */
export function requireStrictDer(bytes: Uint8Array): void {
  if (readItem(bytes, 0, 0) !== bytes.length) throw new InvalidDerError('there are bytes behind its end');
}

/** Checks the item at `start` and returns the offset behind it. */
function readItem(bytes: Uint8Array, start: number, depth: number): number {
  if (depth > maxDepth) throw new InvalidDerError('it is too deep');
  const tag = byteAt(bytes, start);
  let at = start + 1;
  if ((tag & 0x1f) === 0x1f) {
    if ((byteAt(bytes, at) & 0x7f) < 0x1f && byteAt(bytes, at) < 0x80)
      throw new InvalidDerError('a tag has more bytes than needed');
    if (byteAt(bytes, at) === 0x80) throw new InvalidDerError('a tag has more bytes than needed');
    while (byteAt(bytes, at) >= 0x80) at += 1;
    at += 1;
  }
  const { length, content } = readLength(bytes, at);
  const end = content + length;
  if (end > bytes.length) throw new InvalidDerError('it ends too early');
  const isUniversal = tag < 0x40;
  const number = tag & 0x1f;
  if ((tag & constructedBit) === 0) {
    if (isUniversal) requirePrimitive(number, bytes.subarray(content, end));
    return end;
  }
  if (isUniversal && number !== universal.sequence && number !== universal.set)
    throw new InvalidDerError('a string comes in pieces, as in BER only');
  for (let next = content; next < end; ) {
    next = readItem(bytes, next, depth + 1);
    if (next > end) throw new InvalidDerError('an item is longer than the one that holds it');
  }
  return end;
}

function readLength(bytes: Uint8Array, at: number): { length: number; content: number } {
  const first = byteAt(bytes, at);
  if (first < 0x80) return { length: first, content: at + 1 };
  if (first === 0x80) throw new InvalidDerError('a length is indefinite, as in BER only');
  const count = first & 0x7f;
  if (count > 4) throw new InvalidDerError('a length is too long');
  let length = 0;
  for (let index = 1; index <= count; index += 1) length = length * 256 + byteAt(bytes, at + index);
  if (length < 0x80 || byteAt(bytes, at + 1) === 0)
    throw new InvalidDerError('a length has more bytes than needed, as in BER only');
  return { length, content: at + 1 + count };
}

function requirePrimitive(number: number, content: Uint8Array): void {
  const [first = 0, second = 0] = content;
  if (number === universal.sequence || number === universal.set)
    throw new InvalidDerError('a SEQUENCE or SET is primitive');
  if (number === universal.boolean && (content.length !== 1 || (first !== 0 && first !== 0xff)))
    throw new InvalidDerError('a BOOLEAN is neither 0 nor 255');
  if (number === universal.null && content.length > 0) throw new InvalidDerError('a NULL has content');
  if (number === universal.integer || number === universal.enumerated) {
    const isPadded = content.length > 1 && (first === 0 ? second < 0x80 : first === 0xff && second >= 0x80);
    if (content.length === 0 || isPadded) throw new InvalidDerError('an INTEGER has bytes too many or none');
  }
  if (number === universal.bitString) {
    const unused = (1 << Math.min(first, 8)) - 1;
    if (content.length === 0 || first > 7 || (content.length === 1 && first > 0))
      throw new InvalidDerError('a BIT STRING says nothing of its bits');
    if (content.length > 1 && ((content.at(-1) ?? 0) & unused) !== 0)
      throw new InvalidDerError('a BIT STRING has bits that are not used and set');
  }
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? failEarly();
}

function failEarly(): never {
  throw new InvalidDerError('it ends too early');
}

import { tagName } from '../tags.ts';
import { WireError } from '../wire-error.ts';
import { fixedLength, Type, typeName } from './types.ts';

/** Bounds of one message: levels of structures, and items in one structure. KMIP itself has none. */
export interface WireLimits {
  readonly depth: number;
  readonly structureItems: number;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Formats a tag for error messages: its name, or its number in hex. */
export function tagLabel(tag: number): string {
  return tagName(tag) ?? `0x${tag.toString(16).padStart(6, '0')}`;
}

/**
 * Checks every item of a message once: type, length, bounds, padding, depth and number of items (KMIP 2.1
 * §9.1, 1.4 §9.1.1). Afterwards no reader can leave the bounds of a structure, so an error in a batch item
 * concerns that item alone.
 *
 * @throws {WireError} `malformed`.
 */
export function checkStructure(bytes: Uint8Array, limits: WireLimits): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkItems(bytes, view, 0, bytes.length, 0, limits);
}

function checkItems(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  depth: number,
  limits: WireLimits,
): void {
  if (depth > limits.depth)
    throw new WireError('malformed', `structures nested deeper than ${limits.depth}`, start);
  let items = 0;
  for (let at = start; at < end; ) {
    if (++items > limits.structureItems) {
      throw new WireError('malformed', `more than ${limits.structureItems} items in one structure`, at);
    }
    if (end - at < 8) throw new WireError('malformed', 'item header cut short', at);
    const type = bytes[at + 3] as number;
    const length = view.getUint32(at + 4);
    const expected = fixedLength[type];
    if (expected === undefined || type === 0)
      throw new WireError('malformed', `unknown item type ${type}`, at);
    const group = bytes[at] as number;
    if (group !== 0x42 && group !== 0x54) {
      throw new WireError(
        'malformed',
        `tag ${tagLabel(view.getUint32(at) >>> 8)} outside 0x42xxxx and 0x54xxxx`,
        at,
      );
    }
    if (expected !== 0 && length !== expected) {
      throw new WireError('malformed', `${typeName(type)} of length ${length}, must be ${expected}`, at);
    }
    if ((type === Type.BigInteger || type === Type.Structure) && length % 8 !== 0) {
      throw new WireError('malformed', `${typeName(type)} of length ${length}, not a multiple of 8`, at);
    }
    const value = at + 8;
    const padded = value + length + ((8 - (length & 7)) & 7);
    if (padded > end)
      throw new WireError('malformed', `${tagLabel(view.getUint32(at) >>> 8)} is longer than its parent`, at);
    for (let pad = value + length; pad < padded; pad++) {
      if (bytes[pad] !== 0) throw new WireError('malformed', 'padding is not zero', at);
    }
    if (type === Type.Structure) checkItems(bytes, view, value, padded, depth + 1, limits);
    at = padded;
  }
}

/**
 * Cursor over the items of one structure of a message that passed `checkStructure`. Byte strings are views of
 * the message: copy one before you keep it. The readers of values throw WireError `field` when the next item
 * has another type.
 */
export class BinaryReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;
  #end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#end = end;
  }

  /** Tag of the next item; 0 at the end of the structure. */
  tag(): number {
    return this.#at < this.#end ? this.#view.getUint32(this.#at) >>> 8 : 0;
  }

  /** Type code of the next item. */
  type(): number {
    return this.bytes[this.#at + 3] as number;
  }

  /** Offset of the next item, for error messages. */
  get offset(): number {
    return this.#at;
  }

  /** Offset behind the structure. */
  get end(): number {
    return this.#end;
  }

  /** Moves behind the next item. */
  skip(): void {
    this.#take(this.#view.getUint32(this.#at + 4));
  }

  /** Enters the next item, a structure; pass the result to `leave`. */
  enter(): number {
    this.expect(Type.Structure);
    const outer = this.#end;
    const length = this.#view.getUint32(this.#at + 4);
    this.#at += 8;
    this.#end = this.#at + length;
    return outer;
  }

  /** Moves behind the structure that was entered, whatever was read of it. */
  leave(outer: number): void {
    this.#at = this.#end;
    this.#end = outer;
  }

  /** Skips the next item and returns a separate reader for it alone. */
  detach(): BinaryReader {
    const start = this.#at;
    this.skip();
    return new BinaryReader(this.bytes, start, this.#at);
  }

  /** Returns another reader at the same position, to look ahead. */
  fork(): BinaryReader {
    return new BinaryReader(this.bytes, this.#at, this.#end);
  }

  /** Reads an Integer. */
  integer(): number {
    this.expect(Type.Integer);
    return this.#view.getInt32(this.#take(4));
  }

  /** Reads the number of an Enumeration. */
  enumeration(): number {
    this.expect(Type.Enumeration);
    return this.#view.getUint32(this.#take(4));
  }

  /** Reads an Interval in seconds. */
  interval(): number {
    this.expect(Type.Interval);
    return this.#view.getUint32(this.#take(4));
  }

  /** Reads a Long Integer. */
  long(): bigint {
    this.expect(Type.LongInteger);
    return this.#view.getBigInt64(this.#take(8));
  }

  /**
   * Reads a Date-Time in POSIX seconds, limited to ±(2^53 − 1), because some clients send greater numbers for
   * "never".
   */
  date(): number {
    this.expect(Type.DateTime);
    const seconds = Number(this.#view.getBigInt64(this.#take(8)));
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, seconds));
  }

  /** Reads a Date-Time Extended in POSIX microseconds. */
  dateExtended(): bigint {
    this.expect(Type.DateTimeExtended);
    return this.#view.getBigInt64(this.#take(8));
  }

  /** Reads a Boolean; any value other than 0 and 1 is an error. */
  boolean(): boolean {
    this.expect(Type.Boolean);
    const at = this.#at;
    const value = this.#view.getBigUint64(this.#take(8));
    if (value > 1n) throw new WireError('field', `${tagLabel(this.#tagAt(at))} is not a Boolean value`, at);
    return value === 1n;
  }

  /** Reads a Text String; text that is not UTF-8 is an error. */
  text(): string {
    this.expect(Type.TextString);
    const at = this.#at;
    const length = this.#view.getUint32(at + 4);
    const start = this.#take(length);
    try {
      return utf8.decode(this.bytes.subarray(start, start + length));
    } catch {
      throw new WireError('field', `${tagLabel(this.#tagAt(at))} is not UTF-8`, at);
    }
  }

  /** Reads a Byte String as a view of the message. */
  byteString(): Uint8Array {
    this.expect(Type.ByteString);
    return this.#takeBytes();
  }

  /** Reads a Big Integer: two's complement, big-endian, a multiple of 8 bytes long. */
  bigInteger(): Uint8Array {
    this.expect(Type.BigInteger);
    return this.#takeBytes();
  }

  /** @throws {WireError} `field` when the next item has another type. */
  expect(type: number): void {
    if (this.type() === type) return;
    throw new WireError(
      'field',
      `${tagLabel(this.tag())} is ${typeName(this.type())}, must be ${typeName(type)}`,
      this.#at,
    );
  }

  #takeBytes(): Uint8Array {
    const length = this.#view.getUint32(this.#at + 4);
    const start = this.#take(length);
    return this.bytes.subarray(start, start + length);
  }

  /** Moves behind the next item, whose value has `length` bytes; returns the offset of the value. */
  #take(length: number): number {
    const start = this.#at + 8;
    this.#at = start + length + ((8 - (length & 7)) & 7);
    return start;
  }

  #tagAt(at: number): number {
    return this.#view.getUint32(at) >>> 8;
  }
}

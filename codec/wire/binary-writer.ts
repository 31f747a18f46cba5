import { Type } from './types.ts';

const encoder = new TextEncoder();

/**
 * Writes one message into a growing buffer. The buffer is never part of a shared pool, because it may contain
 * key material; `finish` copies the message and wipes the buffer.
 */
export class BinaryWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;

  constructor(capacity = 512) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Returns the message in a new buffer; the writer is empty and wiped afterwards. */
  finish(): Uint8Array {
    const message = this.#bytes.slice(0, this.#at);
    this.clear();
    return message;
  }

  /** Discards and wipes what was written. */
  clear(): void {
    this.#bytes.fill(0, 0, this.#at);
    this.#at = 0;
  }

  /** Size of the buffer in bytes. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Starts a structure; pass the result to `close`. */
  open(tag: number): number {
    this.#header(tag, Type.Structure, 0, 0);
    return this.#at;
  }

  /** Ends the structure: sets the length in its header. */
  close(start: number): void {
    this.#view.setUint32(start - 4, this.#at - start);
  }

  /** Writes an Integer. */
  integer(tag: number, value: number): void {
    const at = this.#header(tag, Type.Integer, 4, 8);
    this.#view.setInt32(at, value);
    this.#view.setUint32(at + 4, 0);
  }

  /** Writes the number of an Enumeration. */
  enumeration(tag: number, value: number): void {
    const at = this.#header(tag, Type.Enumeration, 4, 8);
    this.#view.setUint32(at, value);
    this.#view.setUint32(at + 4, 0);
  }

  /** Writes an Interval in seconds. */
  interval(tag: number, value: number): void {
    const at = this.#header(tag, Type.Interval, 4, 8);
    this.#view.setUint32(at, value);
    this.#view.setUint32(at + 4, 0);
  }

  /** Writes a Long Integer. */
  long(tag: number, value: bigint): void {
    const at = this.#header(tag, Type.LongInteger, 8, 8);
    this.#view.setBigInt64(at, value);
  }

  /** Writes a Date-Time in POSIX seconds. */
  date(tag: number, seconds: number): void {
    const at = this.#header(tag, Type.DateTime, 8, 8);
    this.#view.setBigInt64(at, BigInt(seconds));
  }

  /** Writes a Date-Time Extended in POSIX microseconds. */
  dateExtended(tag: number, microseconds: bigint): void {
    const at = this.#header(tag, Type.DateTimeExtended, 8, 8);
    this.#view.setBigInt64(at, microseconds);
  }

  /** Writes a Boolean. */
  boolean(tag: number, value: boolean): void {
    const at = this.#header(tag, Type.Boolean, 8, 8);
    this.#view.setBigUint64(at, value ? 1n : 0n);
  }

  /** Writes a Text String; lone surrogates become U+FFFD. */
  text(tag: number, value: string): void {
    // UTF-8 needs at most three bytes for each UTF-16 unit.
    const at = this.#header(tag, Type.TextString, 0, value.length * 3 + 8);
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(at));
    this.#view.setUint32(at - 4, written);
    this.#pad(at, written);
  }

  /** Writes a Byte String. */
  byteString(tag: number, value: Uint8Array): void {
    const at = this.#header(tag, Type.ByteString, value.length, value.length + 8);
    this.#bytes.set(value, at);
    this.#pad(at, value.length);
  }

  /**
   * Writes a Big Integer. `value`: two's complement, big-endian, of any length; sign bytes extend it to a
   * multiple of 8.
   */
  bigInteger(tag: number, value: Uint8Array): void {
    const length = Math.max(8, Math.ceil(value.length / 8) * 8);
    const at = this.#header(tag, Type.BigInteger, length, length);
    this.#bytes.fill((value[0] ?? 0) & 0x80 ? 0xff : 0, at, at + length - value.length);
    this.#bytes.set(value, at + length - value.length);
  }

  /** Appends an item that is TTLV already, header included. */
  raw(item: Uint8Array): void {
    this.#reserve(item.length);
    this.#bytes.set(item, this.#at);
    this.#at += item.length;
  }

  /**
   * Writes tag, type and length, reserves `size` bytes for the value and returns its offset. For types other
   * than strings the position moves behind the value. May replace the buffer: read `#view` and `#bytes` only
   * afterwards.
   */
  #header(tag: number, type: number, length: number, size: number): number {
    this.#reserve(8 + size);
    const at = this.#at;
    this.#view.setUint32(at, ((tag << 8) | type) >>> 0);
    this.#view.setUint32(at + 4, length);
    this.#at = at + 8 + (type === Type.TextString || type === Type.ByteString ? 0 : size);
    return at + 8;
  }

  /** Ends a string: writes its padding, because the buffer may contain bytes of an earlier message. */
  #pad(at: number, length: number): void {
    const end = at + length + ((8 - (length & 7)) & 7);
    this.#bytes.fill(0, at + length, end);
    this.#at = end;
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + size));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes.fill(0);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** The writer that `encodeMessage` uses again, up to this capacity in bytes. */
const reusable = { writer: undefined as BinaryWriter | undefined, capacity: 65_536 };

/**
 * Returns the bytes that `write` writes, in a new buffer. Calls share one writer, wiped after each, because
 * to allocate a writer takes longer than to fill it. Calls may be nested.
 */
export function encodeMessage(write: (writer: BinaryWriter) => void): Uint8Array {
  const writer = reusable.writer ?? new BinaryWriter(4_096);
  reusable.writer = undefined;
  try {
    write(writer);
    return writer.finish();
  } finally {
    writer.clear();
    if (writer.capacity <= reusable.capacity) reusable.writer = writer;
  }
}

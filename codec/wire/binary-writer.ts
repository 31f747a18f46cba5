import { Type } from './types.ts';

const encoder = new TextEncoder();

/**
 * Writes one message into one growing buffer. The buffer is the writer's own (never pooled), because it may hold key
 * material; `finish` copies the message out and wipes it.
 */
export class BinaryWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;

  constructor(capacity = 512) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** The message in memory of its own; the writer starts again, empty and wiped. */
  finish(): Uint8Array {
    const message = this.#bytes.slice(0, this.#at);
    this.clear();
    return message;
  }

  /** Empty and wiped, whatever was written. */
  clear(): void {
    this.#bytes.fill(0, 0, this.#at);
    this.#at = 0;
  }

  /** Bytes the writer holds room for. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Starts a structure; pass the result to `close`. */
  open(tag: number): number {
    this.#header(tag, Type.Structure, 0, 0);
    return this.#at;
  }

  close(start: number): void {
    this.#view.setUint32(start - 4, this.#at - start);
  }

  integer(tag: number, value: number): void {
    const at = this.#header(tag, Type.Integer, 4, 8);
    this.#view.setInt32(at, value);
    this.#view.setUint32(at + 4, 0);
  }

  enumeration(tag: number, value: number): void {
    const at = this.#header(tag, Type.Enumeration, 4, 8);
    this.#view.setUint32(at, value);
    this.#view.setUint32(at + 4, 0);
  }

  interval(tag: number, value: number): void {
    const at = this.#header(tag, Type.Interval, 4, 8);
    this.#view.setUint32(at, value);
    this.#view.setUint32(at + 4, 0);
  }

  long(tag: number, value: bigint): void {
    const at = this.#header(tag, Type.LongInteger, 8, 8);
    this.#view.setBigInt64(at, value);
  }

  date(tag: number, seconds: number): void {
    const at = this.#header(tag, Type.DateTime, 8, 8);
    this.#view.setBigInt64(at, BigInt(seconds));
  }

  dateExtended(tag: number, microseconds: bigint): void {
    const at = this.#header(tag, Type.DateTimeExtended, 8, 8);
    this.#view.setBigInt64(at, microseconds);
  }

  boolean(tag: number, value: boolean): void {
    const at = this.#header(tag, Type.Boolean, 8, 8);
    this.#view.setBigUint64(at, value ? 1n : 0n);
  }

  text(tag: number, value: string): void {
    // UTF-8 needs at most three bytes a UTF-16 unit.
    const at = this.#header(tag, Type.TextString, 0, value.length * 3 + 8);
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(at));
    this.#view.setUint32(at - 4, written);
    this.#pad(at, written);
  }

  byteString(tag: number, value: Uint8Array): void {
    const at = this.#header(tag, Type.ByteString, value.length, value.length + 8);
    this.#bytes.set(value, at);
    this.#pad(at, value.length);
  }

  /** Two's complement, big-endian, of any length; extended with sign bytes to a multiple of 8. */
  bigInteger(tag: number, value: Uint8Array): void {
    const length = Math.max(8, Math.ceil(value.length / 8) * 8);
    const at = this.#header(tag, Type.BigInteger, length, length);
    this.#bytes.fill((value[0] ?? 0) & 0x80 ? 0xff : 0, at, at + length - value.length);
    this.#bytes.set(value, at + length - value.length);
  }

  /** Copies an item that is TTLV already, header included. */
  raw(item: Uint8Array): void {
    this.#reserve(item.length);
    this.#bytes.set(item, this.#at);
    this.#at += item.length;
  }

  /**
   * Writes tag, type and length, makes room for `room` bytes behind them and steps over those of a fixed size. May
   * replace the buffer: take `#view` and `#bytes` only afterwards.
   */
  #header(tag: number, type: number, length: number, size: number): number {
    this.#reserve(8 + size);
    const at = this.#at;
    this.#view.setUint32(at, ((tag << 8) | type) >>> 0);
    this.#view.setUint32(at + 4, length);
    this.#at = at + 8 + (type === Type.TextString || type === Type.ByteString ? 0 : size);
    return at + 8;
  }

  /** Ends a string: padding is written, never left over from an earlier message. */
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

/** The writer that `written` uses again; nothing larger than this is kept. */
const reusable = { writer: undefined as BinaryWriter | undefined, capacity: 65_536 };

/**
 * The bytes that `write` writes, in memory of their own. The writer is used again from call to call, always wiped: to
 * allocate one for each message costs more than to fill it. Calls may be nested.
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

import { concatBytes } from '../../common/bytes.ts';
import { fail } from '../../common/errors.ts';

/**
 * Parameters of PKCS#11 functions as bytes, in the order of the C prototypes: CK_BYTE and CK_BBOOL one byte, CK_ULONG eight
 * bytes big-endian, arrays their elements after a count of four bytes. Of an array that the function fills, the caller
 * says 00 for a null pointer (it asks for the count alone) or 01 and the count it has room for; nothing means room enough.
 */

/** What the caller can take of an array that the function fills. */
export type OutputSize = 'count' | 'short' | 'enough';

export class ParameterReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  boolean(): boolean {
    const byte = this.byte();
    if (byte > 1) malformed('a CK_BBOOL is neither 0 nor 1');
    return byte === 1;
  }

  ulong(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  /** A view of the request. */
  array(): Uint8Array {
    const length = this.#count();
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Room for an array of `count` elements. */
  room(count: number): OutputSize {
    if (this.ended) return 'enough';
    if (!this.boolean()) return 'count';
    return this.#count() < count ? 'short' : 'enough';
  }

  /** Pointers that mean nothing here: a caller may send 00 for each, or leave them out. */
  nulls(): void {
    while (!this.ended) if (this.byte() !== 0) malformed('a pointer is not null');
  }

  end(): void {
    if (!this.ended) malformed('there is more than the parameters of the function');
  }

  #count(): number {
    return this.#view.getUint32(this.#take(4));
  }

  #take(length: number): number {
    if (length > this.#bytes.length - this.#at) malformed('the parameters are cut short');
    const start = this.#at;
    this.#at += length;
    return start;
  }
}

function malformed(why: string): never {
  fail('PKCS_11CodecError', why);
}

/** Builds output parameters, field by field. */
export class ParameterWriter {
  readonly #parts: Uint8Array[] = [];

  byte(...values: number[]): this {
    this.#parts.push(Uint8Array.from(values));
    return this;
  }

  ulong(value: bigint | number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
    this.#parts.push(bytes);
    return this;
  }

  count(value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value);
    this.#parts.push(bytes);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  /** Text of a fixed number of bytes, filled up with blanks and never ended by a zero. */
  text(value: string, length: number): this {
    const bytes = new Uint8Array(length).fill(0x20);
    new TextEncoder().encodeInto(value, bytes);
    this.#parts.push(bytes);
    return this;
  }

  finish(): Uint8Array {
    return concatBytes(this.#parts);
  }
}

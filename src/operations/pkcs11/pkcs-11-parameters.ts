import { concatBytes } from '../../common/bytes.ts';
import { fail } from '../../common/errors.ts';

/**
 * Parameters of PKCS#11 functions as bytes, in the order of the C prototypes: CK_BYTE and CK_BBOOL take one
 * byte, CK_ULONG eight bytes big-endian, arrays a count of four bytes and their elements. For an array that
 * the function fills, the caller sends 00 for a null pointer (only the count is wanted) or 01 and the number
 * of elements that fit; a missing parameter means that all fit.
 */

/**
 * Whether the caller asks for the length only, has too little space, or enough for an array that the function
 * fills.
 */
export type OutputCapacity = 'count' | 'short' | 'enough';

/**
 * Reads input parameters, field by field.
 * @throws {KmipError} PKCS_11CodecError from every method when the bytes do not fit
 */
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
    if (byte > 1) failMalformed('a CK_BBOOL is neither 0 nor 1');
    return byte === 1;
  }

  ulong(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  /** Reads an array of bytes; the result is a view of the request. */
  array(): Uint8Array {
    const length = this.#count();
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Reads how much of an array of `count` elements the caller can take. */
  capacityFor(count: number): OutputCapacity {
    if (this.ended) return 'enough';
    if (!this.boolean()) return 'count';
    return this.#count() < count ? 'short' : 'enough';
  }

  /**
   * Reads the remaining pointers, which this token ignores: a caller may send 00 for each, or leave them out.
   */
  nulls(): void {
    while (!this.ended) if (this.byte() !== 0) failMalformed('a pointer is not null');
  }

  /** Checks that all parameters have been read. */
  end(): void {
    if (!this.ended) failMalformed('there is more than the parameters of the function');
  }

  #count(): number {
    return this.#view.getUint32(this.#take(4));
  }

  #take(length: number): number {
    if (length > this.#bytes.length - this.#at) failMalformed('the parameters are cut short');
    const start = this.#at;
    this.#at += length;
    return start;
  }
}

function failMalformed(why: string): never {
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

  /** Writes text in a fixed number of bytes, padded with blanks and not zero-terminated. */
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

import { createHash } from 'node:crypto';
import type { PlainValues } from './full-objects.ts';

/** Bytes at whose beginning a search recognises a pattern. */
const prefixBytes = 6;

/** Values that nothing else has, and a search for them in everything that a reader could make of them. */
export class KnownValues implements PlainValues {
  /** Bytes to look for, in Latin-1, with the value and the notation that they are of. */
  readonly #patterns = new Map<string, string>();
  #count = 0;

  /** The number of different patterns. */
  get patterns(): number {
    return this.#patterns.size;
  }

  text(): string {
    const value = this.#random(16).toString('hex').replace(/^./, 'x');
    this.know(value, `text ${value}`);
    return value;
  }

  bytes(length = 24): Uint8Array {
    const value = this.#random(length);
    this.know(value, `bytes ${value.subarray(0, 8).toString('hex')}`);
    return Uint8Array.from(value);
  }

  integer(): number {
    const value = 1_100_000_000 + (this.#random(4).readUInt32BE() % 1_000_000_000);
    this.#add(Buffer.from(String(value)), `integer ${value} in decimal`);
    return value;
  }

  long(): bigint {
    const value = this.#random(8).readBigUInt64BE() >> 2n;
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(value);
    this.#add(bytes, `long ${value} as bytes`);
    this.#add(Buffer.from(String(value)), `long ${value} in decimal`);
    return value;
  }

  /** Adds a value that was made elsewhere; `name` is for people. */
  know(value: string | Uint8Array, name: string): void {
    const bytes = Buffer.from(value as string);
    const hashes = ['sha1', 'sha256', 'sha512'].map((hash) => [
      `${hash} of ${name}`,
      createHash(hash).update(bytes).digest(),
    ]) as [string, Buffer][];
    for (const [what, each] of [[name, bytes] as const, ...hashes]) this.#addNotations(each, what);
    if (typeof value !== 'string') return;
    const wide = Buffer.from(value, 'utf16le');
    this.#add(wide, `${name} in UTF-16`);
    this.#add(Buffer.from(wide).swap16(), `${name} in UTF-16, big-endian`);
  }

  /** Returns which values the parts contain, in which notation. */
  find(parts: readonly Uint8Array[]): string[] {
    const starts = new Map<number, string[]>();
    const isStart = new Uint8Array(2 ** 24);
    for (const pattern of this.#patterns.keys()) {
      const prefix = Buffer.from(pattern, 'latin1');
      const start = prefix.readUIntBE(0, prefixBytes);
      starts.set(start, [...(starts.get(start) ?? []), pattern]);
      isStart[prefix.readUIntBE(0, 3)] = 1;
    }
    const found = new Set<string>();
    for (const part of parts)
      this.#findIn(Buffer.from(part.buffer, part.byteOffset, part.byteLength), starts, isStart, found);
    return [...found].sort();
  }

  #findIn(
    bytes: Buffer,
    starts: ReadonlyMap<number, readonly string[]>,
    isStart: Uint8Array,
    found: Set<string>,
  ): void {
    for (let at = 0, last3 = 0; at < bytes.length; at += 1) {
      last3 = ((last3 << 8) | (bytes[at] as number)) & 0xff_ff_ff;
      const start = at - 2;
      if (isStart[last3] === 0 || start < 0 || start + prefixBytes > bytes.length) continue;
      for (const pattern of starts.get(bytes.readUIntBE(start, prefixBytes)) ?? [])
        if (bytes.toString('latin1', start, start + pattern.length) === pattern)
          found.add(this.#patterns.get(pattern) as string);
    }
  }

  /** The bytes themselves, and in the notations in which texts have bytes. */
  #addNotations(bytes: Buffer, name: string): void {
    this.#add(bytes, name);
    const hex = bytes.toString('hex');
    this.#add(Buffer.from(hex), `${name} in hex`);
    this.#add(Buffer.from(hex.toUpperCase()), `${name} in upper-case hex`);
    for (const notation of ['base64', 'base64url'] as const)
      for (const offset of [0, 1, 2]) {
        // Within a longer text, bytes stand at one of three offsets; what neighbours share is left out.
        const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString(notation);
        const whole = text.slice(
          offset === 0 ? 0 : offset + 1,
          Math.floor(((offset + bytes.length) * 8) / 6),
        );
        this.#add(Buffer.from(whole), `${name} in ${notation}`);
      }
  }

  #add(bytes: Buffer, name: string): void {
    if (bytes.length < prefixBytes) throw new RangeError(`${name} is too short to be searched`);
    this.#patterns.set(bytes.toString('latin1'), name);
  }

  #random(length: number): Buffer {
    this.#count += 1;
    const parts = Array.from({ length: Math.ceil(length / 64) }, (_, part) =>
      createHash('sha512').update(`known value ${this.#count}, part ${part}`).digest(),
    );
    return Buffer.concat(parts).subarray(0, length);
  }
}

/** Concatenates pieces into a new buffer that is not part of a shared pool. */
export function concatBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Bytes of the length in front of what `joinBytes` joins. */
const lengthBytes = 4;

/** Joins two byte strings, so that `splitBytes` takes them apart: the length of the first as u32 precedes. */
export function joinBytes(first: Uint8Array, rest: Uint8Array): Uint8Array {
  const length = new Uint8Array(lengthBytes);
  new DataView(length.buffer).setUint32(0, first.length);
  return concatBytes([length, first, rest]);
}

/**
 * Returns views of the two byte strings that `joinBytes` has joined.
 * @throws {RangeError} when the bytes end before the first of them does
 */
export function splitBytes(joined: Uint8Array): readonly [first: Uint8Array, rest: Uint8Array] {
  const { buffer, byteOffset, length } = joined;
  const end = lengthBytes + new DataView(buffer, byteOffset, length).getUint32(0);
  if (end > length) throw new RangeError('a length points beyond the bytes');
  return [joined.subarray(lengthBytes, end), joined.subarray(end)];
}

/** Bytes of the buffers of a collector, where the pieces are smaller. */
const collectorBytes = 4_096;

/**
 * Collects copies of pieces until all are taken. It uses at most 4 KiB more than the bytes it holds, however
 * small the pieces are; an empty one takes nothing. No buffer is part of a shared pool.
 */
export class ByteCollector {
  readonly #full: Uint8Array[] = [];
  #last = new Uint8Array();
  #used = 0;

  /** Adds a copy of the piece. */
  add(piece: Uint8Array): void {
    const fitting = Math.min(piece.length, this.#last.length - this.#used);
    this.#last.set(piece.subarray(0, fitting), this.#used);
    this.#used += fitting;
    const rest = piece.subarray(fitting);
    if (rest.length === 0) return;
    this.#full.push(this.#last);
    this.#last = new Uint8Array(Math.max(rest.length, collectorBytes));
    this.#last.set(rest);
    this.#used = rest.length;
  }

  /** Returns everything in one new buffer. */
  takeAll(): Uint8Array {
    return concatBytes([...this.#full, this.#last.subarray(0, this.#used)]);
  }
}

/**
 * Returns a deep copy of plain data, and the number of bytes in its byte strings. Their copies are buffers of
 * their own, so that a few bytes do not keep a whole message in memory.
 */
export function copyPlainData<T>(value: T): { readonly copy: T; readonly bytes: number } {
  if (value instanceof Uint8Array)
    return { copy: new Uint8Array(value) as T & Uint8Array, bytes: value.length };
  if (typeof value !== 'object' || value === null) return { copy: value, bytes: 0 };
  const copies = Object.entries(value).map(([key, each]) => ({ key, ...copyPlainData<unknown>(each) }));
  const bytes = copies.reduce((sum, each) => sum + each.bytes, 0);
  const copy = Array.isArray(value)
    ? copies.map((each) => each.copy)
    : Object.fromEntries(copies.map((each) => [each.key, each.copy]));
  return { copy: copy as T, bytes };
}

/**
 * Whether both have the same bytes. For public values: the time it takes tells where they differ.
 */
export function isSameBytes(first: Uint8Array, other: Uint8Array): boolean {
  return first.length === other.length && first.every((byte, at) => byte === other[at]);
}

/** Adds bytes to others of at least that length by exclusive or; a second time removes them again. */
export function xorInto(sum: Uint8Array, bytes: Uint8Array): void {
  for (const [at, byte] of bytes.entries()) sum[at] = (sum[at] as number) ^ byte;
}

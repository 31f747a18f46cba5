/**
 * A keyed hash of a set of rows: for each of 33 segments the number of rows and the sum of their elements
 * modulo 2^256 (`Vault.element`). Sums, because exclusive or would let pairs cancel. What one process writes
 * is a difference, so rows and sums may be below zero; the differences of all processes sum up to the hash
 * of the store.
 */

/** Number of segments. */
export const segmentCount = 33;

/** Segment of the records that decide who may do what; they are compared at each start. */
export const anchoredSegment = 31;

/**
 * Segment of the records of removed lanes. A process reads all of them when it misses a lane, so that a
 * record which was never committed explains no missing lane.
 */
export const foldedSegment = 32;

/** Kind of the records of removed lanes. */
export const foldedLaneKind = 'folded-lane';

/**
 * Kinds of the records in `anchoredSegment`, whose absence or earlier version would allow something: clients,
 * the certificates that lead to them, administrators, policies of groups, keys under which others may leave,
 * authorities, grants of single objects, and quotas. They are few and never expire; every process keeps the
 * versions of all.
 */
export const anchoredRecordKinds: readonly string[] = [
  'client',
  'client-certificate',
  'administrator',
  'administrator-list',
  'policy',
  'recipient',
  'authority-key',
  'authority-above',
  'authority-certificates',
  'authority-subject',
  'issuer-name',
  'issuer-order',
  'grant',
  'grantee',
  'quota',
];

const countBytes = 8;
const elementBytes = 32;
const segmentBytes = countBytes + elementBytes;

/** Size of an encoded set hash. */
export const setHashBytes = segmentCount * segmentBytes;
/** Size of one without the segment of removed lanes, which ends it. */
export const olderSetHashBytes = foldedSegment * segmentBytes;

/** Segment of a row: of an object by its identifier, of a record by its kind, else by its key. */
export function segmentOf(id: string, recordKind?: string): number {
  if (recordKind === foldedLaneKind) return foldedSegment;
  if (recordKind !== undefined && anchoredRecordKinds.includes(recordKind)) return anchoredSegment;
  // FNV-1a over UTF-16 code units: spreads the rows evenly, protects nothing.
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % anchoredSegment;
}

/** The hash of a set of rows. Kept as it is encoded, because a commit changes one or two segments of it. */
export class SetHash {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  /** @param bytes an encoded hash, which is copied; the empty set when left out */
  constructor(bytes: Uint8Array = new Uint8Array(setHashBytes)) {
    if (bytes.length !== setHashBytes) throw new TypeError(`a set hash has ${setHashBytes} bytes`);
    this.#bytes = bytes.slice();
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** For each segment the number of rows (i64) and the sum (32 bytes); not to be changed. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Number of rows of a segment. */
  rows(segment: number): number {
    return Number(this.#view.getBigInt64(segment * segmentBytes));
  }

  /** Adds a row by its element. */
  add(segment: number, element: bigint): void {
    this.#change(segment, 1n, element);
  }

  /** Removes a row by its element. */
  remove(segment: number, element: bigint): void {
    this.#change(segment, -1n, -element);
  }

  /** Adds all rows of another set. */
  addAll(other: SetHash): void {
    for (let segment = 0; segment < segmentCount; segment += 1)
      this.#change(segment, BigInt(other.rows(segment)), other.#sum(segment));
  }

  /** The segments in which two sets differ. */
  differences(other: SetHash): readonly number[] {
    return Array.from({ length: segmentCount }, (_, segment) => segment).filter(
      (segment) => !this.agrees(segment, other),
    );
  }

  /** Whether two sets have the same rows in a segment. */
  agrees(segment: number, other: SetHash): boolean {
    return this.rows(segment) === other.rows(segment) && this.#sum(segment) === other.#sum(segment);
  }

  #change(segment: number, rows: bigint, element: bigint): void {
    const at = segment * segmentBytes;
    this.#view.setBigInt64(at, this.#view.getBigInt64(at) + rows);
    const sum = this.#sum(segment) + element;
    // `setBigUint64` takes the number modulo 2^64.
    for (let word = 0; word < 4; word += 1)
      this.#view.setBigUint64(at + countBytes + 8 * word, sum >> BigInt(64 * (3 - word)));
  }

  #sum(segment: number): bigint {
    const at = segment * segmentBytes + countBytes;
    let sum = 0n;
    for (let word = 0; word < 4; word += 1) sum = (sum << 64n) | this.#view.getBigUint64(at + 8 * word);
    return sum;
  }
}

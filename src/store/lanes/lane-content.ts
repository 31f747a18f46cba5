import type { SealCount } from '../../vault/vault.ts';
import { olderSetHashBytes, SetHash, setHashBytes } from './set-hash.ts';

/**
 * What stands in the box of a lane, the row of one writing process:
 *
 *     3 | keyring generation (u32) | epoch (u32) | boxes of that epoch (u64) | POSIX seconds (u64)
 *       | set hash (1,320 bytes) | count (u8) | count × ( lp(name of another lane) | its number (u64) )
 *       | count (u8) | count × id of a root (8 bytes)
 *
 * Format 2 has no roots. Format 1 has no time either, and a set hash of 1,280 bytes, without the segment of
 * removed lanes. `lp(text)` is its length in bytes (u8) and its UTF-8. Integers are big-endian.
 */
export interface LaneContent {
  /** Generation of the keyring that the process knew. */
  readonly keyring: number;
  /** Ids of the live roots that the process had at hand; none in older formats. */
  readonly roots: readonly string[];
  /** The boxes that the process has sealed in its epoch. */
  readonly seals: SealCount;
  /** When the commit was made, by the clock of the process: POSIX seconds; undefined in format 1. */
  readonly written: number | undefined;
  /** The rows that the processes of this lane have added, less those that they have removed. */
  readonly rows: SetHash;
  /** Other lanes that the process has seen; at most `maxSeenLanes`. */
  readonly seen: readonly SeenLane[];
}

/** A lane as another process has seen it. */
export interface SeenLane {
  readonly name: string;
  /** Number of the commit that had written it last. */
  readonly seq: number;
}

/** The most other lanes that a lane names, so that its row needs no TOAST table of PostgreSQL. */
export const maxSeenLanes = 14;
/** The longest name of a lane in bytes. */
const maxNameBytes = 100;

/** Bytes of the id of a root, and the most of them. */
const rootIdBytes = 8;
const maxRoots = 4;

const format = 3;
/** The first formats that have the time, and roots. */
const [timedFormat, rootedFormat] = [2, 3];
const writtenOffset = 1 + 4 + 4 + 8;
const rowsOffset = writtenOffset + 8;
const countOffset = rowsOffset + setHashBytes;

/** Where the parts of each format begin. */
const offsets: Readonly<Record<number, { readonly rows: number; readonly count: number }>> = {
  1: { rows: writtenOffset, count: writtenOffset + olderSetHashBytes },
  [timedFormat]: { rows: rowsOffset, count: countOffset },
  [format]: { rows: rowsOffset, count: countOffset },
};

/** Encodes the content of a lane, at most 3 KiB. */
export function encodeLane({ keyring, roots, seals, written = 0, rows, seen }: LaneContent): Uint8Array {
  const named = seen.slice(0, maxSeenLanes).map(({ name, seq }) => ({ name: encodeName(name), seq }));
  const ids = roots.slice(0, maxRoots).map((id) => Uint8Array.fromHex(id));
  const seenEnd = named.reduce((sum, { name }) => sum + 1 + name.length + 8, countOffset + 1);
  const length = seenEnd + 1 + ids.length * rootIdBytes;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes[0] = format;
  view.setUint32(1, keyring);
  view.setUint32(5, seals.epoch);
  view.setBigUint64(9, BigInt(seals.count));
  view.setBigUint64(writtenOffset, BigInt(written));
  bytes.set(rows.bytes, rowsOffset);
  bytes[countOffset] = named.length;
  let at = countOffset + 1;
  for (const { name, seq } of named) {
    bytes[at] = name.length;
    bytes.set(name, at + 1);
    view.setBigUint64(at + 1 + name.length, BigInt(seq));
    at += 1 + name.length + 8;
  }
  bytes[seenEnd] = ids.length;
  for (const [number, id] of ids.entries()) bytes.set(id, seenEnd + 1 + number * rootIdBytes);
  return bytes;
}

/** Decodes the content of a lane; undefined for bytes of another format. */
export function decodeLane(bytes: Uint8Array): LaneContent | undefined {
  const parts = offsets[bytes[0] ?? 0];
  if (parts === undefined || bytes.length <= parts.count) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const read = decodeSeen(bytes, view, parts.count);
  const roots = read && decodeRoots(bytes, read.end);
  if (read === undefined || roots === undefined) return undefined;
  const rows = new Uint8Array(setHashBytes);
  rows.set(bytes.subarray(parts.rows, parts.count));
  return {
    keyring: view.getUint32(1),
    roots,
    seals: { epoch: view.getUint32(5), count: Number(view.getBigUint64(9)) },
    written: (bytes[0] ?? 0) >= timedFormat ? Number(view.getBigUint64(writtenOffset)) : undefined,
    rows: new SetHash(rows),
    seen: read.seen,
  };
}

/** Returns the lanes, and where they end. */
function decodeSeen(
  bytes: Uint8Array,
  view: DataView,
  countOffset: number,
): { readonly seen: readonly SeenLane[]; readonly end: number } | undefined {
  const seen: SeenLane[] = [];
  let at = countOffset + 1;
  for (let left = bytes[countOffset] ?? 0; left > 0; left -= 1) {
    const end = at + 1 + (bytes[at] ?? 0);
    if (end + 8 > bytes.length) return undefined;
    const name = new TextDecoder().decode(bytes.subarray(at + 1, end));
    seen.push({ name, seq: Number(view.getBigUint64(end)) });
    at = end + 8;
  }
  return { seen, end: at };
}

function decodeRoots(bytes: Uint8Array, start: number): readonly string[] | undefined {
  const hasRoots = (bytes[0] ?? 0) >= rootedFormat;
  const count = hasRoots ? (bytes[start] ?? 0) : 0;
  const from = hasRoots ? start + 1 : start;
  if (from + count * rootIdBytes !== bytes.length) return undefined;
  return Array.from({ length: count }, (_, at) =>
    bytes.subarray(from + at * rootIdBytes, from + (at + 1) * rootIdBytes).toHex(),
  );
}

function encodeName(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length > maxNameBytes)
    throw new TypeError(`the name of a lane has at most ${maxNameBytes} bytes`);
  return bytes;
}

import type { SealCount } from '../../vault/vault.ts';
import { olderSetHashBytes, SetHash, setHashBytes } from './set-hash.ts';

/**
 * What stands in the box of a lane, the row of one writing process:
 *
 *     2 | keyring generation (u32) | epoch (u32) | boxes of that epoch (u64) | POSIX seconds (u64)
 *       | set hash (1,320 bytes) | count (u8) | count × ( lp(name of another lane) | its number (u64) )
 *
 * Format 1 has no time, and a set hash of 1,280 bytes, without the segment of removed lanes.
 * `lp(text)` is its length in bytes (u8) and its UTF-8. Integers are big-endian.
 */
export interface LaneContent {
  /** Generation of the keyring that the process knew. */
  readonly keyring: number;
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

const format = 2;
const writtenOffset = 1 + 4 + 4 + 8;
const rowsOffset = writtenOffset + 8;
const countOffset = rowsOffset + setHashBytes;

/** Where the parts of each format begin. */
const offsets: Readonly<Record<number, { readonly rows: number; readonly count: number }>> = {
  1: { rows: writtenOffset, count: writtenOffset + olderSetHashBytes },
  [format]: { rows: rowsOffset, count: countOffset },
};

/** Encodes the content of a lane, at most 3 KiB. */
export function encodeLane({ keyring, seals, written = 0, rows, seen }: LaneContent): Uint8Array {
  const named = seen.slice(0, maxSeenLanes).map(({ name, seq }) => ({ name: encodeName(name), seq }));
  const length = named.reduce((sum, { name }) => sum + 1 + name.length + 8, countOffset + 1);
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
  return bytes;
}

/** Decodes the content of a lane; undefined for bytes of another format. */
export function decodeLane(bytes: Uint8Array): LaneContent | undefined {
  const parts = offsets[bytes[0] ?? 0];
  if (parts === undefined || bytes.length <= parts.count) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const seen = decodeSeen(bytes, view, parts.count);
  const rows = new Uint8Array(setHashBytes);
  rows.set(bytes.subarray(parts.rows, parts.count));
  return (
    seen && {
      keyring: view.getUint32(1),
      seals: { epoch: view.getUint32(5), count: Number(view.getBigUint64(9)) },
      written: parts.rows === rowsOffset ? Number(view.getBigUint64(writtenOffset)) : undefined,
      rows: new SetHash(rows),
      seen,
    }
  );
}

function decodeSeen(bytes: Uint8Array, view: DataView, countOffset: number): readonly SeenLane[] | undefined {
  const seen: SeenLane[] = [];
  let at = countOffset + 1;
  for (let left = bytes[countOffset] ?? 0; left > 0; left -= 1) {
    const end = at + 1 + (bytes[at] ?? 0);
    if (end + 8 > bytes.length) return undefined;
    const name = new TextDecoder().decode(bytes.subarray(at + 1, end));
    seen.push({ name, seq: Number(view.getBigUint64(end)) });
    at = end + 8;
  }
  return at === bytes.length ? seen : undefined;
}

function encodeName(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length > maxNameBytes)
    throw new TypeError(`the name of a lane has at most ${maxNameBytes} bytes`);
  return bytes;
}

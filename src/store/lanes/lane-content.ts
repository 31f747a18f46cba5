import type { SealCount } from '../../vault/vault.ts';
import { SetHash, setHashBytes } from './set-hash.ts';

/**
 * What stands in the box of a lane, the row of one writing process:
 *
 *     1 | keyring generation (u32) | epoch (u32) | boxes of that epoch (u64) | set hash (1,280 bytes)
 *       | count (u8) | count × ( lp(name of another lane) | its number (u64) )
 *
 * `lp(text)` is its length in bytes (u8) and its UTF-8. Integers are big-endian.
 */
export interface LaneContent {
  /** Generation of the keyring that the process knew. */
  readonly keyring: number;
  /** The boxes that the process has sealed in its epoch. */
  readonly seals: SealCount;
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

/** The most other lanes that a lane names. */
export const maxSeenLanes = 16;
/** The longest name of a lane in bytes. */
const maxNameBytes = 100;

const format = 1;
const rowsOffset = 1 + 4 + 4 + 8;
const countOffset = rowsOffset + setHashBytes;

/** Encodes the content of a lane, at most 3 KiB. */
export function encodeLane({ keyring, seals, rows, seen }: LaneContent): Uint8Array {
  const named = seen.slice(0, maxSeenLanes).map(({ name, seq }) => ({ name: encodeName(name), seq }));
  const length = named.reduce((sum, { name }) => sum + 1 + name.length + 8, countOffset + 1);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes[0] = format;
  view.setUint32(1, keyring);
  view.setUint32(5, seals.epoch);
  view.setBigUint64(9, BigInt(seals.count));
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
  if (bytes[0] !== format || bytes.length <= countOffset) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const seen = decodeSeen(bytes, view);
  return (
    seen && {
      keyring: view.getUint32(1),
      seals: { epoch: view.getUint32(5), count: Number(view.getBigUint64(9)) },
      rows: new SetHash(bytes.subarray(rowsOffset, countOffset)),
      seen,
    }
  );
}

function decodeSeen(bytes: Uint8Array, view: DataView): readonly SeenLane[] | undefined {
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

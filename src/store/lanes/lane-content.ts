import { headBytes } from '../../common/audit-chain.ts';
import type { SealCount } from '../../vault/vault.ts';
import type { AuditChain } from '../audit/audit-block.ts';
import { olderSetHashBytes, SetHash, setHashBytes } from './set-hash.ts';

/**
 * What stands in the box of a lane, the row of one writing process:
 *
 *     4 | keyring generation (u32) | epoch (u32) | boxes of that epoch (u64) | POSIX seconds (u64)
 *       | set hash (1,320 bytes) | count (u8) | count × ( lp(name of another lane) | its number (u64) )
 *       | count (u8) | count × id of a root (8 bytes)
 *       | count (u8) of chains, 0 or 1 | id of the chain (16 bytes) | its entries (u64) | its head (32 bytes)
 *         | number of the last entry of the journal in it (u64)
 *       | count (u8) of policies, 0 or 1 | hash of the policy (8 bytes)
 *
 * Format 3 has neither chain nor policy. Format 2 has no roots either. Format 1 has no time either, and a
 * set hash of 1,280 bytes, without the segment of removed lanes. `lp(text)` is its length in bytes (u8) and
 * its UTF-8. Integers are big-endian.
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
  /** The chain of the audit log that the processes of this lane have written; undefined before its start. */
  readonly audit: LaneAudit | undefined;
  /** Hash of the roles in force there, 16 hexadecimal digits; undefined where no clients are served. */
  readonly policy: string | undefined;
}

/** The audit log as a lane states it. */
export interface LaneAudit extends AuditChain {
  /** Number of the last entry of the node's journal that is in the chain; 0 for none. */
  readonly journal: number;
}

/** A lane as another process has seen it. */
export interface SeenLane {
  readonly name: string;
  /** Number of the commit that had written it last. */
  readonly seq: number;
}

/** The most other lanes that a lane names, so that its row needs no TOAST table of PostgreSQL. */
export const maxSeenLanes = 12;
/** The longest name of a lane in bytes. */
const maxNameBytes = 100;

/** Bytes of the id of a root, and the most of them. */
const rootIdBytes = 8;
const maxRoots = 4;

const format = 4;
/** The first formats that have the time, roots, and a chain of the audit log. */
const [timedFormat, rootedFormat, auditedFormat] = [2, 3, 4];
const chainIdBytes = 16;
const auditBytes = chainIdBytes + 8 + headBytes + 8;
const policyBytes = 8;
const writtenOffset = 1 + 4 + 4 + 8;
const rowsOffset = writtenOffset + 8;
const countOffset = rowsOffset + setHashBytes;

/** Where the parts of each format begin. */
const offsets: Readonly<Record<number, { readonly rows: number; readonly count: number }>> = {
  1: { rows: writtenOffset, count: writtenOffset + olderSetHashBytes },
  [timedFormat]: { rows: rowsOffset, count: countOffset },
  [rootedFormat]: { rows: rowsOffset, count: countOffset },
  [format]: { rows: rowsOffset, count: countOffset },
};

/** Encodes the content of a lane, at most 3 KiB. */
export function encodeLane(content: LaneContent): Uint8Array {
  const { keyring, roots, seals, written = 0, rows, seen, audit, policy } = content;
  const named = seen.slice(0, maxSeenLanes).map(({ name, seq }) => ({ name: encodeName(name), seq }));
  const ids = roots.slice(0, maxRoots).map((id) => Uint8Array.fromHex(id));
  const seenEnd = named.reduce((sum, { name }) => sum + 1 + name.length + 8, countOffset + 1);
  const rootsEnd = seenEnd + 1 + ids.length * rootIdBytes;
  const auditEnd = rootsEnd + 1 + (audit === undefined ? 0 : auditBytes);
  const bytes = new Uint8Array(auditEnd + 1 + (policy === undefined ? 0 : policyBytes));
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
  if (audit !== undefined) encodeAudit(audit, bytes, rootsEnd);
  if (policy !== undefined) {
    bytes[auditEnd] = 1;
    bytes.set(Uint8Array.fromHex(policy), auditEnd + 1);
  }
  return bytes;
}

function encodeAudit({ id, count, head, journal }: LaneAudit, bytes: Uint8Array, start: number): void {
  const view = new DataView(bytes.buffer);
  bytes[start] = 1;
  const at = start + 1;
  bytes.set(Uint8Array.fromHex(id), at);
  view.setBigUint64(at + chainIdBytes, BigInt(count));
  bytes.set(head, at + chainIdBytes + 8);
  view.setBigUint64(at + chainIdBytes + 8 + headBytes, BigInt(journal));
}

/** Decodes the content of a lane; undefined for bytes of another format. */
export function decodeLane(bytes: Uint8Array): LaneContent | undefined {
  const parts = offsets[bytes[0] ?? 0];
  if (parts === undefined || bytes.length <= parts.count) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const read = decodeSeen(bytes, view, parts.count);
  const roots = read && decodeRoots(bytes, read.end);
  const audit = roots && decodeAudit(bytes, view, roots.end);
  const policy = audit && decodePolicy(bytes, audit.end);
  if (read === undefined || roots === undefined || audit === undefined || policy === undefined)
    return undefined;
  const rows = new Uint8Array(setHashBytes);
  rows.set(bytes.subarray(parts.rows, parts.count));
  return {
    keyring: view.getUint32(1),
    roots: roots.ids,
    seals: { epoch: view.getUint32(5), count: Number(view.getBigUint64(9)) },
    written: (bytes[0] ?? 0) >= timedFormat ? Number(view.getBigUint64(writtenOffset)) : undefined,
    rows: new SetHash(rows),
    seen: read.seen,
    audit: audit.chain,
    policy: policy.hash,
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

/** Returns the ids of roots, and where they end; undefined for bytes of another form. */
function decodeRoots(
  bytes: Uint8Array,
  start: number,
): { readonly ids: readonly string[]; readonly end: number } | undefined {
  if ((bytes[0] ?? 0) < rootedFormat) return { ids: [], end: start };
  const count = bytes[start] ?? 0;
  const end = start + 1 + count * rootIdBytes;
  if (end > bytes.length) return undefined;
  const ids = Array.from({ length: count }, (_, at) =>
    bytes.subarray(start + 1 + at * rootIdBytes, start + 1 + (at + 1) * rootIdBytes).toHex(),
  );
  return { ids, end };
}

/** Returns the chain of a lane, which may have none, and its end; undefined for bytes of another form. */
function decodeAudit(
  bytes: Uint8Array,
  view: DataView,
  start: number,
): { readonly chain: LaneAudit | undefined; readonly end: number } | undefined {
  if ((bytes[0] ?? 0) < auditedFormat) return { chain: undefined, end: start };
  const at = start + 1;
  if (bytes[start] === 0) return { chain: undefined, end: at };
  const headAt = at + chainIdBytes + 8;
  if (bytes[start] !== 1 || at + auditBytes > bytes.length) return undefined;
  const chain = {
    id: bytes.subarray(at, at + chainIdBytes).toHex(),
    count: Number(view.getBigUint64(at + chainIdBytes)),
    head: bytes.slice(headAt, headAt + headBytes),
    journal: Number(view.getBigUint64(headAt + headBytes)),
  };
  return { chain, end: at + auditBytes };
}

/** Returns the policy at the end of a lane, which may have none; undefined for bytes of another form. */
function decodePolicy(bytes: Uint8Array, start: number): { readonly hash: string | undefined } | undefined {
  if ((bytes[0] ?? 0) < auditedFormat) return bytes.length === start ? { hash: undefined } : undefined;
  const count = bytes[start];
  if (count === 0) return bytes.length === start + 1 ? { hash: undefined } : undefined;
  if (count !== 1 || bytes.length !== start + 1 + policyBytes) return undefined;
  return { hash: bytes.subarray(start + 1).toHex() };
}

function encodeName(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length > maxNameBytes)
    throw new TypeError(`the name of a lane has at most ${maxNameBytes} bytes`);
  return bytes;
}

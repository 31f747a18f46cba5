import { hash, randomFillSync } from 'node:crypto';

/**
 * The hash chain of the audit log. An entry is a text with a salt, so that its hash tells nothing of it; the
 * head of a chain covers all of its entries in their order:
 *
 *     leaf = SHA-256("kmipd/2 leaf" | salt (16) | text)
 *     head = SHA-256("kmipd/2 block" | head before (32) | number of the first entry (u64) | entries (u32)
 *            | leaves)
 *
 * The first head of a chain is 32 zero bytes. Integers are big-endian, texts UTF-8.
 */

export const saltBytes = 16;
export const headBytes = 32;
/** The most entries of a block. */
export const maxBlockEntries = 256;

const leafLabel = new TextEncoder().encode('kmipd/2 leaf');
const blockLabel = new TextEncoder().encode('kmipd/2 block');
const encoder = new TextEncoder();

/** An entry as the chain has it. */
export interface ChainEntry {
  readonly salt: Uint8Array;
  readonly text: string;
}

/** How far a chain has got. */
export interface ChainPosition {
  /** Entries so far. */
  readonly count: number;
  readonly head: Uint8Array;
}

/** The beginning of every chain. */
export const chainStart: ChainPosition = { count: 0, head: new Uint8Array(headBytes) };

/** Salts of one call of the random source: one for each entry would cost as much as its hash. */
let pool = new Uint8Array(0);
let used = 0;

/** Returns a new random salt, a part of a larger buffer. */
export function createSalt(): Uint8Array {
  if (used === pool.length) {
    pool = randomFillSync(new Uint8Array(256 * saltBytes));
    used = 0;
  }
  used += saltBytes;
  return pool.subarray(used - saltBytes, used);
}

/** Returns the leaf of an entry, 32 bytes. */
export function hashLeaf({ salt, text }: ChainEntry): Uint8Array {
  const prefix = leafLabel.length + saltBytes;
  const bytes = new Uint8Array(prefix + text.length * 3);
  bytes.set(leafLabel);
  bytes.set(salt, leafLabel.length);
  const { written } = encoder.encodeInto(text, bytes.subarray(prefix));
  return hash('sha256', bytes.subarray(0, prefix + written), 'buffer');
}

/** Returns where a chain is after a block of these entries. */
export function addBlock({ count, head }: ChainPosition, entries: readonly ChainEntry[]): ChainPosition {
  const start = blockLabel.length + headBytes + 12;
  const bytes = new Uint8Array(start + entries.length * 32);
  bytes.set(blockLabel);
  bytes.set(head, blockLabel.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(blockLabel.length + headBytes, BigInt(count));
  view.setUint32(blockLabel.length + headBytes + 8, entries.length);
  for (const [at, entry] of entries.entries()) bytes.set(hashLeaf(entry), start + at * 32);
  return { count: count + entries.length, head: hash('sha256', bytes, 'buffer') };
}

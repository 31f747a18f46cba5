import { randomBytes } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import {
  addBlock,
  type ChainEntry,
  type ChainPosition,
  chainStart,
  maxBlockEntries,
  saltBytes,
} from '../../common/audit-chain.ts';
import type { Vault } from '../../vault/vault.ts';
import type { SqlStep } from '../sql-driver.ts';

/**
 * Blocks of the audit log: the entries of one commit, or a part of them, sealed in one row.
 *
 *     plaintext: 1 | entries, or 2 | zstd of entries
 *     entry:     salt (16) | length in bytes (u32, big-endian) | text (UTF-8)
 */

const [plainFormat, zstdFormat] = [1, 2];
/** Texts of a block, unless one alone is longer: an opened block is held in memory. */
const maxBlockCharacters = 262_144;
/** Shorter blocks hardly shrink. */
const minCompressedBytes = 1_024;
/** A block that is opened has at most what one message may cause. */
const maxBlockBytes = 64 * 1_024 * 1_024;

const insertBlock = 'insert into audit_block (chain, first, count, time, box) values ($1, $2, $3, $4, $5)';

/** A chain and how far it has got. */
export interface AuditChain extends ChainPosition {
  /** Random, 32 hexadecimal digits. */
  readonly id: string;
}

/** Begins a chain. */
export function startChain(): AuditChain {
  return { id: randomBytes(16).toString('hex'), ...chainStart };
}

/** What a row says of its block beside the box. */
export interface BlockPlace {
  readonly chain: string;
  /** Number of its first entry. */
  readonly first: number;
  readonly count: number;
  /** When it was written: milliseconds since 1970. */
  readonly time: number;
}

/** Adds entries to a chain. Returns the statements that insert their blocks, and the chain after them. */
export function appendEntries(
  chain: AuditChain,
  entries: readonly ChainEntry[],
  { vault, time }: { readonly vault: Vault; readonly time: number },
): { readonly steps: readonly SqlStep[]; readonly chain: AuditChain } {
  const steps: SqlStep[] = [];
  let position: ChainPosition = chain;
  for (const block of splitBlocks(entries)) {
    const place = { chain: chain.id, first: position.count, count: block.length, time };
    const box = vault.seal({ kind: 'audit', ...place }, encodeBlock(block));
    steps.push({
      sql: insertBlock,
      parameters: [place.chain, place.first, place.count, time, box],
      rows: 1,
    });
    position = addBlock(position, block);
  }
  return { steps, chain: { id: chain.id, ...position } };
}

function splitBlocks(entries: readonly ChainEntry[]): readonly (readonly ChainEntry[])[] {
  const blocks: ChainEntry[][] = [];
  let block: ChainEntry[] = [];
  let characters = 0;
  for (const entry of entries) {
    const isFull = block.length === maxBlockEntries || characters + entry.text.length > maxBlockCharacters;
    if (block.length === 0 || isFull) {
      blocks.push((block = []));
      characters = 0;
    }
    block.push(entry);
    characters += entry.text.length;
  }
  return blocks;
}

function encodeBlock(entries: readonly ChainEntry[]): Uint8Array {
  const capacity = entries.reduce((sum, { text }) => sum + saltBytes + 4 + text.length * 3, 1);
  const bytes = new Uint8Array(capacity);
  const view = new DataView(bytes.buffer);
  const encoder = new TextEncoder();
  bytes[0] = plainFormat;
  let at = 1;
  for (const { salt, text } of entries) {
    bytes.set(salt, at);
    const { written } = encoder.encodeInto(text, bytes.subarray(at + saltBytes + 4));
    view.setUint32(at + saltBytes, written);
    at += saltBytes + 4 + written;
  }
  if (at < minCompressedBytes) return bytes.subarray(0, at);
  const compressed = zstdCompressSync(bytes.subarray(1, at));
  const block = new Uint8Array(1 + compressed.length);
  block[0] = zstdFormat;
  block.set(compressed, 1);
  return block;
}

/** Decodes the opened box of a block; undefined for bytes that no kmipd has sealed. */
export function decodeBlock(opened: Uint8Array): readonly ChainEntry[] | undefined {
  const bytes = entryBytes(opened);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: ChainEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + saltBytes + 4;
    if (start > bytes.length) return undefined;
    const end = start + view.getUint32(at + saltBytes);
    if (end > bytes.length) return undefined;
    const text = new TextDecoder().decode(bytes.subarray(start, end));
    entries.push({ salt: bytes.slice(at, at + saltBytes), text });
    at = end;
  }
  return entries;
}

function entryBytes(opened: Uint8Array): Uint8Array | undefined {
  const [format] = opened;
  if (format === plainFormat) return opened.subarray(1);
  if (format !== zstdFormat) return undefined;
  try {
    return zstdDecompressSync(opened.subarray(1), { maxOutputLength: maxBlockBytes });
  } catch {
    // Whoever has the keys of the vault can seal anything.
    return undefined;
  }
}

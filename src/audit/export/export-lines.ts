import type { ChainEntry } from '../../common/audit-chain.ts';
import { saltBytes } from '../../common/audit-chain.ts';

/**
 * An export of the audit log: lines of JSON, of which each says by `kind` what it is. First the header, keys,
 * checkpoints, lanes and cuts, then the blocks in the order of their rows, each followed by its entries, and
 * at last the end. Heads, salts and digests are hexadecimal, times ISO 8601. docs/audit-verify.md describes
 * them for those who write a verifier.
 */
export type ExportLine =
  | {
      readonly kind: 'header';
      readonly format: number;
      /** Names of the database, the present one first. */
      readonly stores: readonly string[];
      readonly made: string;
      /** Blocks that were written before or after are left out; null: none are. */
      readonly since: string | null;
      readonly until: string | null;
    }
  /** A public key, as `signing-keys` has it. */
  | { readonly kind: 'key'; readonly line: string }
  | { readonly kind: 'checkpoint'; readonly text: string }
  | ({ readonly kind: 'lane'; readonly name: string; readonly seq: number } & ExportedPosition)
  /** Where a chain begins since its oldest entries were removed. */
  | { readonly kind: 'cut'; readonly chain: string; readonly first: number; readonly head: string }
  /** Where the part of a chain begins, in an export since a time. */
  | { readonly kind: 'start'; readonly chain: string; readonly first: number; readonly head: string }
  | {
      readonly kind: 'block';
      readonly chain: string;
      readonly first: number;
      readonly count: number;
      /** When it was written: milliseconds since 1970. */
      readonly time: number;
      /** Whether it did not open, so that no entries follow. */
      readonly altered?: true;
    }
  | { readonly kind: 'entry'; readonly salt: string; readonly text: string }
  | {
      readonly kind: 'end';
      readonly blocks: number;
      /** How far the chains have got in the export. */
      readonly chains: readonly ExportedPosition[];
      /** Chains of which an entry says that they have ended; the entry may be outside of the export. */
      readonly ended: readonly ExportedPosition[];
      /** SHA-256 of all lines before, with their ends: finds a file that was damaged. */
      readonly digest: string;
    };

/** How far a chain has got. */
export interface ExportedPosition {
  readonly chain: string;
  readonly entries: number;
  readonly head: string;
}

export const exportFormat = 1;

/** Encodes an entry as it follows its block. */
export function toEntryLine({ salt, text }: ChainEntry): ExportLine {
  return { kind: 'entry', salt: salt.toHex(), text };
}

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isHex =
  (bytes: number): Check =>
  (value) =>
    typeof value === 'string' && value.length === 2 * bytes && /^[0-9a-f]*$/.test(value);
const isHead = isHex(32);
const isChain = isHex(16);
const isTime: Check = (value) => value === null || isText(value);
const isPosition: Check = (value) => fits(value, { chain: isChain, entries: isNumber, head: isHead });
const isList =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

const members: Readonly<Record<ExportLine['kind'], Readonly<Record<string, Check>>>> = {
  header: { format: isNumber, stores: isList(isText), made: isText, since: isTime, until: isTime },
  key: { line: isText },
  checkpoint: { text: isText },
  lane: { name: isText, seq: isNumber, chain: isChain, entries: isNumber, head: isHead },
  cut: { chain: isChain, first: isNumber, head: isHead },
  start: { chain: isChain, first: isNumber, head: isHead },
  block: { chain: isChain, first: isNumber, count: isNumber, time: isNumber },
  entry: { salt: isHex(saltBytes), text: isText },
  end: { blocks: isNumber, chains: isList(isPosition), ended: isList(isPosition), digest: isHead },
};

function fits(value: unknown, checks: Readonly<Record<string, Check>>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(checks).every(([name, check]) => check((value as Record<string, unknown>)[name]));
}

/** Decodes a line; undefined for any other text. */
export function decodeExportLine(text: string): ExportLine | undefined {
  try {
    const line = JSON.parse(text);
    const checks = Object.hasOwn(members, line?.kind) ? members[line.kind as ExportLine['kind']] : undefined;
    return checks !== undefined && fits(line, checks) ? line : undefined;
  } catch {
    return undefined;
  }
}

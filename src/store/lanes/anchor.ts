import { isCount } from '../cells.ts';
import type { KnownLane } from './lane-history.ts';

/**
 * What a process keeps outside the database to recognise an earlier state of it: generation of the keyring
 * and the newest state of each lane. One line of JSON for each database:
 *
 *     {"format":1,"store":"9b74…","keyring":3,"lanes":{"5d0c…":{"seq":88412,"box":"9f86d081…"}}}
 */
export interface Anchor {
  /** Of which database: one of `Vault.storeNames`. */
  readonly store: string;
  /** Generation of the keyring. */
  readonly keyring: number;
  readonly lanes: readonly KnownLane[];
}

/** Where anchors are kept. */
export interface AnchorStore {
  /**
   * Reads all anchors of a database that processes of this installation have left under any of its names.
   * @throws {AnchorUnreadableError}
   */
  read(stores: readonly string[]): Promise<readonly Anchor[]>;
  /**
   * Replaces this process's own anchor of the database, and those of these earlier names; after a power cut
   * it may be the one before.
   */
  write(anchor: Anchor, previous: readonly string[]): Promise<void>;
}

/** `ANCHOR_UNREADABLE`: what should contain anchors cannot be read. */
export class AnchorUnreadableError extends Error {
  override readonly name = 'AnchorUnreadableError';
  readonly code = 'ANCHOR_UNREADABLE';
}

const format = 1;

/** Encodes anchors as the text of a file. */
export function encodeAnchors(anchors: readonly Anchor[]): string {
  return anchors.map((anchor) => `${encodeAnchor(anchor)}\n`).join('');
}

function encodeAnchor({ store, keyring, lanes }: Anchor): string {
  const named = lanes
    .toSorted((first, other) => (first.name < other.name ? -1 : 1))
    .map(({ name, seq, box }) => [name, box === undefined ? { seq } : { seq, box }] as const);
  return JSON.stringify({ format, store, keyring, lanes: Object.fromEntries(named) });
}

/** Decodes the text of a file; undefined for any other text. */
export function decodeAnchors(text: string): readonly Anchor[] | undefined {
  const anchors: Anchor[] = [];
  for (const line of text.split('\n').slice(0, -1)) {
    const anchor = decodeAnchor(line);
    if (anchor === undefined) return undefined;
    anchors.push(anchor);
  }
  return text === '' || text.endsWith('\n') ? anchors : undefined;
}

function decodeAnchor(line: string): Anchor | undefined {
  const { format: found, store, keyring, lanes } = parse(line);
  if (found !== format || !isDigits(store, 32) || !isCount(keyring)) return undefined;
  if (typeof lanes !== 'object' || lanes === null) return undefined;
  const known: KnownLane[] = [];
  for (const [name, state] of Object.entries(lanes)) {
    const { seq, box } = state ?? {};
    if (!isCount(seq) || !(box === undefined || isDigits(box, 64))) return undefined;
    known.push({ name, seq, box });
  }
  return { store, keyring, lanes: known };
}

interface AnchorLine {
  readonly format?: unknown;
  readonly store?: unknown;
  readonly keyring?: unknown;
  readonly lanes?: Readonly<Record<string, { readonly seq?: unknown; readonly box?: unknown } | null>> | null;
}

function parse(line: string): AnchorLine {
  try {
    return JSON.parse(line) ?? {};
  } catch {
    return {};
  }
}

function isDigits(value: unknown, length: number): value is string {
  return typeof value === 'string' && value.length === length && /^[0-9a-f]*$/.test(value);
}

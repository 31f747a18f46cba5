import { SealBrokenError, type SealedKey, type Vault } from '../../vault/vault.ts';
import { exactInteger, isCount } from '../cells.ts';
import type { SqlRow } from '../sql-driver.ts';
import { decodeLane, type LaneContent } from './lane-content.ts';
import { hashBox, type KnownLane, type LaneHistory, type LaneRow } from './lane-history.ts';
import { anchoredSegment, SetHash } from './set-hash.ts';

/** Returns the node of a lane: the name of the lane up to its first hyphen. */
export function nodeOf(lane: string): string {
  return lane.split('-', 1)[0] ?? lane;
}

/** Reads all lanes at one moment. */
export const selectLanes = `select name, ${exactInteger('seq')} as seq, ${exactInteger('era')} as era, box from lane`;

/** Returns a query of all lanes, and of all records of some kinds, at one moment. */
export function selectWithLanes(kinds: readonly string[]): string {
  const [version, expires] = [exactInteger('version'), exactInteger('expires')];
  return (
    `select 'lane' as kind, name as key, '' as grp, ${exactInteger('seq')} as version, ${exactInteger('era')} as expires, box from lane` +
    ` union all select kind, key, grp, ${version} as version, ${expires} as expires, box from sealed_record` +
    ` where kind in (${kinds.map((kind) => `'${kind}'`).join(', ')})`
  );
}

/** Turns a lane among the rows of `selectWithLanes` into a row of `selectLanes`. */
export function toLaneCells({ key, version, expires, box }: SqlRow): SqlRow {
  return { name: key ?? null, seq: version ?? null, era: expires ?? null, box: box ?? null };
}

/** A lane that was read and opened. */
export interface OpenLane extends KnownLane {
  readonly box: string;
  readonly row: LaneRow;
  readonly content: LaneContent;
}

/** `LANE_FORGED`: a row of the table `lane` was written by something else than kmipd. */
export class LaneForgedError extends Error {
  override readonly name = 'LaneForgedError';
  readonly code = 'LANE_FORGED';
}

/**
 * Types a row of `selectLanes`.
 * @throws {LaneForgedError} when a cell is of another type
 */
export function toLaneRow(row: SqlRow): LaneRow {
  const lane = readLaneRow(row);
  if (lane === undefined) throw new LaneForgedError('a row of table lane is not one that kmipd writes');
  return lane;
}

/** As `toLaneRow`; undefined when a cell is of another type. */
export function readLaneRow({ name, seq, era, box }: SqlRow): LaneRow | undefined {
  const isTyped = typeof name === 'string' && isCount(seq) && isCount(era) && box instanceof Uint8Array;
  return isTyped ? { name, seq, era, box: box as SealedKey } : undefined;
}

/**
 * Opens a lane.
 * @throws {LaneForgedError} when its box is not of this lane and number
 * @throws {VaultUnavailableError} when the vault is sealed, or its epoch is not known yet
 */
export function openLane(row: LaneRow, vault: Vault): OpenLane {
  const content = decodeLane(openBox(row, vault));
  if (content === undefined) throw forged(row);
  return { name: row.name, seq: row.seq, box: hashBox(row.box), row, content };
}

/**
 * Opens all lanes. Each name may be there once: a sum would take every row, and a comparison one of a name.
 * @throws {LaneForgedError} when a name is there twice
 */
export function openLanes(rows: readonly LaneRow[], open: (row: LaneRow) => OpenLane): readonly OpenLane[] {
  const names = new Set<string>();
  for (const { name } of rows)
    if (names.size === names.add(name).size)
      throw new LaneForgedError(`the row ${name} of table lane is there twice`);
  return rows.map(open);
}

/** Returns the hash of all rows, as the lanes state it. */
export function sumLanes(lanes: readonly OpenLane[]): SetHash {
  const sum = new SetHash();
  for (const { content } of lanes) sum.addAll(content.rows);
  return sum;
}

/** Whether a lane states other clients and policies than before. */
export function hasMoved({ content }: OpenLane, before: OpenLane | undefined): boolean {
  return before?.content.rows.agrees(anchoredSegment, content.rows) !== true;
}

function openBox(row: LaneRow, vault: Vault): Uint8Array {
  try {
    return vault.open({ kind: 'lane', name: row.name, seq: row.seq, era: row.era }, row.box);
  } catch (error) {
    if (error instanceof SealBrokenError) throw forged(row);
    throw error;
  }
}

function forged({ name }: LaneRow): LaneForgedError {
  return new LaneForgedError(`the row ${name} of table lane does not open`);
}

/** Whether the box of a lane opens. */
export function isGenuine(row: LaneRow, vault: Vault): boolean {
  try {
    openLane(row, vault);
    return true;
  } catch (error) {
    if (error instanceof LaneForgedError) return false;
    throw error;
  }
}

/** Lets a history learn what lanes have seen of each other. */
export function learnSeen(known: LaneHistory, lanes: readonly OpenLane[]): void {
  for (const { content } of lanes) known.learn(content.seen.map((seen) => ({ ...seen, box: undefined })));
}

/** Says that a keyring is older than what lanes and anchors state of it; undefined when it is not. */
export function findOlderKeyring(
  generation: number,
  states: readonly { readonly keyring: number }[],
): string | undefined {
  const newest = Math.max(0, ...states.map(({ keyring }) => keyring));
  if (generation >= newest) return undefined;
  return `the keyring is of generation ${generation}; it was of generation ${newest}`;
}

/** Returns the nodes of which a lane states another policy; none where this process has no policy. */
export function findOtherPolicies(lanes: readonly OpenLane[], policy: string | undefined): readonly string[] {
  if (policy === undefined) return [];
  const others = lanes.filter(({ content }) => content.policy !== undefined && content.policy !== policy);
  return [...new Set(others.map(({ name }) => nodeOf(name)))].toSorted();
}

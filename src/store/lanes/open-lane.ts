import { SealBrokenError, type SealedKey, type Vault } from '../../vault/vault.ts';
import type { SqlRow, SqlValue } from '../sql-driver.ts';
import { decodeLane, type LaneContent } from './lane-content.ts';
import { hashBox, type KnownLane, type LaneRow } from './lane-history.ts';
import { SetHash } from './set-hash.ts';

/**
 * Returns an expression of a column with a number; −1 for a value that kmipd does not write, of which a
 * driver might refuse the whole result.
 */
export function readableNumber(column: string): string {
  const isReadable = `${column} is null or ${column} between 0 and ${Number.MAX_SAFE_INTEGER}`;
  return `case when ${isReadable} then ${column} else -1 end`;
}

/** Reads all lanes at one moment. */
export const selectLanes = `select name, ${readableNumber('seq')} as seq, ${readableNumber('era')} as era, box from lane`;

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

/** Whether a cell has a number that kmipd writes. */
export function isCount(value: SqlValue | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/**
 * Opens a lane.
 * @throws {LaneForgedError} when its box is not of this lane and number
 * @throws {VaultUnavailableError} when the vault is sealed or does not know the sealing key yet
 */
export function openLane(row: LaneRow, vault: Vault): OpenLane {
  const content = decodeLane(openBox(row, vault));
  if (content === undefined) throw forged(row);
  return { name: row.name, seq: row.seq, box: hashBox(row.box), row, content };
}

/**
 * Returns the hash of all rows, as the lanes state it.
 * @throws {LaneForgedError} and {VaultUnavailableError} as `openLane`
 */
export function sumLanes(rows: readonly LaneRow[], vault: Vault): SetHash {
  const sum = new SetHash();
  for (const row of rows) sum.addAll(openLane(row, vault).content.rows);
  return sum;
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

import { boxTag, SealBrokenError, type Vault } from '../../vault/vault.ts';
import { endChains } from '../audit/ended-chains.ts';
import { isCount } from '../cells.ts';
import { joinSealed, openRecordBox, type RecordWrite, recordKeys, sealRecordBox } from '../record-boxes.ts';
import type { Read, SqlUnit } from '../sql-driver.ts';
import { recordUnit, toRecord } from '../sql-records.ts';
import type { StoredRecord } from '../store.ts';
import type { KnownLane, LaneHistory, LaneRow } from './lane-history.ts';
import {
  LaneForgedError,
  learnSeen,
  type OpenLane,
  openLanes,
  selectWithLanes,
  sumLanes,
  toLaneCells,
  toLaneRow,
} from './open-lane.ts';
import { foldedLaneKind, foldedSegment, SetHash } from './set-hash.ts';

/**
 * Lanes of nodes that were removed. One transaction adds their sums to a lane of another node, deletes their
 * rows, and writes a record for each of them with its last state. Whoever misses the lane afterwards finds
 * the record; where that is missing, too, the lane was deleted by somebody else.
 */

const deleteLane = 'delete from lane where name = $1 and seq = $2 and box = $3';
/** Records of lanes belong to no group of clients. */
const group = '';

/**
 * Returns the unit that folds lanes into the one that commits it, the lane `by`; `conflict` when one has
 * moved.
 */
export function foldUnit(lanes: readonly OpenLane[], by: string, vault: Vault): SqlUnit {
  const sealed = joinSealed(lanes.map((lane) => recordOf(lane, vault)));
  const recorded = recordUnit({ expects: [], ...sealed });
  const deletions = lanes.map(({ name, row }) => ({
    ...{ sql: deleteLane, parameters: [name, row.seq, row.box], rows: 1 },
  }));
  return {
    objects: [],
    records: recorded.records,
    reserves: recorded.reserves ?? [],
    changes: recorded.changes,
    folded: sumLanes(lanes),
    audit: endChains(lanes, by),
    steps: [...deletions, ...recorded.steps],
  };
}

function recordOf({ name, seq, box }: OpenLane, vault: Vault): RecordWrite {
  const content = new TextEncoder().encode(JSON.stringify({ seq, box }));
  return sealRecordBox(vault, { kind: foldedLaneKind, group, expires: null }, { id: name, content });
}

/**
 * The lanes that were folded, as far as this process knew them. A lane that appears may have been folded, and
 * one that disappears must have been: whenever the lanes are others than before or state another fold, and at
 * the start, they are read together with all records of folded ones, and both are compared.
 */
export class FoldedLanes {
  readonly #read: Read;
  readonly #last = new Map<string, KnownLane>();
  /** What the lanes of the last comparison stated, by their names. */
  #compared: ReadonlyMap<string, SetHash> | undefined;

  /** @param read reads committed rows, as `SqlDriver.read` */
  constructor(read: Read) {
    this.#read = read;
  }

  /** Returns the last state of a lane that was folded and known before; undefined for any other. */
  lastOf(name: string): KnownLane | undefined {
    return this.#last.get(name);
  }

  /** Remembers a lane that this process has folded. */
  add({ name, seq, box }: KnownLane): void {
    this.#last.set(name, { name, seq, box });
  }

  /**
   * Whether nothing is to be compared: lanes are those of the last comparison, state the same of folded ones,
   * and of the known ones all that are missing were folded.
   */
  isSettled(lanes: readonly OpenLane[], known: LaneHistory): boolean {
    const isSame = ({ name, content }: OpenLane) =>
      !this.#last.has(name) && this.#compared?.get(name)?.agrees(foldedSegment, content.rows) === true;
    return (
      this.#compared?.size === lanes.length &&
      lanes.every(isSame) &&
      known.findMissing(lanes).every((name) => this.#last.has(name))
    );
  }

  /**
   * Compares the lanes with the records of folded ones. Resolves to the lanes as they are at that moment.
   *
   * @param known learns what the lanes have seen of each other
   * @param own lanes of this process and others of its node, which may have been folded
   * @throws {LaneForgedError} when a lane is there although it was folded, or the records are not those that
   *   the lanes state
   * @throws {VaultUnavailableError} when the vault is sealed, or an epoch is not known yet
   */
  async compare(
    known: LaneHistory,
    own: readonly string[],
    vault: Vault,
    open: (row: LaneRow) => OpenLane,
  ): Promise<readonly OpenLane[]> {
    const { lanes, records } = await this.#readAll(vault, open);
    const recordFor = (name: string) =>
      recordKeys(vault, foldedLaneKind, name).flatMap((key) => records.get(key) ?? [])[0];
    for (const { name } of lanes)
      if (recordFor(name) !== undefined)
        throw new LaneForgedError(`the row ${name} of table lane was put back; its node was removed`);
    learnSeen(known, lanes);
    for (const name of [...known.findMissing(lanes), ...own]) {
      const record = recordFor(name);
      if (record !== undefined) this.#last.set(name, openRecord(name, record, vault));
    }
    this.#compared = new Map(lanes.map(({ name, content }) => [name, content.rows]));
    return lanes;
  }

  /** Reads all lanes and all records of folded ones, which must be those that the lanes state. */
  async #readAll(
    vault: Vault,
    open: (row: LaneRow) => OpenLane,
  ): Promise<{ readonly lanes: readonly OpenLane[]; readonly records: ReadonlyMap<string, StoredRecord> }> {
    const rows = await this.#read(selectAll, []);
    const laneRows = rows.filter(({ kind }) => kind === 'lane').map((row) => toLaneRow(toLaneCells(row)));
    const lanes = openLanes(laneRows, open);
    const records = rows.filter(({ kind }) => kind !== 'lane').map(toRecord);
    const stated = sumLanes(lanes);
    const present = new SetHash();
    for (const { key, version, box } of records)
      if (isCount(version))
        present.add(foldedSegment, vault.element('sealed_record', key, version, boxTag(box)));
    if (!stated.agrees(foldedSegment, present))
      throw new LaneForgedError(
        `the records of removed nodes in the database are not those that kmipd has written: ${records.length} are there, ${stated.rows(foldedSegment)} were written`,
      );
    return { lanes, records: new Map(records.map((record) => [record.key, record])) };
  }
}

const selectAll = selectWithLanes([foldedLaneKind]);

function openRecord(name: string, record: StoredRecord, vault: Vault): KnownLane {
  try {
    const { content } = openRecordBox(vault, record);
    const last: Omit<KnownLane, 'name'> = JSON.parse(new TextDecoder().decode(content));
    return { name, seq: last.seq, box: last.box };
  } catch (error) {
    if (!(error instanceof SealBrokenError || error instanceof RangeError)) throw error;
    throw new LaneForgedError(
      `the record of the removed lane ${name} in the database was altered outside kmipd`,
    );
  }
}

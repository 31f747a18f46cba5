import { boxTag, SealBrokenError, type Vault } from '../../vault/vault.ts';
import { isCount } from '../cells.ts';
import type { Read, SqlUnit } from '../sql-driver.ts';
import { readRecord, recordUnit, toRecord } from '../sql-records.ts';
import type { StoredRecord, WrittenRecord } from '../store.ts';
import type { KnownLane, LaneHistory, LaneRow } from './lane-history.ts';
import {
  LaneForgedError,
  learnSeen,
  type OpenLane,
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
/** More lanes than that are not looked up one after another. */
const maxLookups = 8;
/** Records of lanes belong to no group of clients. */
const group = '';

function keyOf(name: string, vault: Vault): string {
  return vault.key('record', foldedLaneKind, name);
}

/** Returns the unit that folds lanes into the one that commits it; `conflict` when one has moved. */
export function foldUnit(lanes: readonly OpenLane[], vault: Vault): SqlUnit {
  const puts = lanes.map((lane) => recordOf(lane, vault));
  const recorded = recordUnit({ expects: [], puts, removals: [] });
  const deletions = lanes.map(({ name, row }) => ({
    ...{ sql: deleteLane, parameters: [name, row.seq, row.box], rows: 1 },
  }));
  return {
    objects: [],
    records: recorded.records,
    changes: recorded.changes,
    folded: sumLanes(lanes),
    steps: [...deletions, ...recorded.steps],
  };
}

function recordOf({ name, seq, box }: OpenLane, vault: Vault): WrittenRecord {
  const row = { key: keyOf(name, vault), group, version: 1, expires: null };
  const content = new TextEncoder().encode(JSON.stringify({ seq, box }));
  const sealed = vault.seal({ kind: 'record', recordKind: foldedLaneKind, ...row }, content);
  return { kind: foldedLaneKind, ...row, box: sealed, replacedTag: null };
}

/** Names of lanes of which it is to be looked up whether they were folded. */
export interface SuspectLanes {
  /** Known lanes that are not there. */
  readonly missing: readonly string[];
  /** Lanes that are there, or that this process wants to write, and were not known. */
  readonly unknown: readonly string[];
}

/** The lanes that were folded, as far as this process had to look for them. */
export class FoldedLanes {
  readonly #read: Read;
  readonly #last = new Map<string, KnownLane>();

  /** @param read reads committed rows, as `SqlDriver.read` */
  constructor(read: Read) {
    this.#read = read;
  }

  /** Returns the last state of a lane that was looked up and is folded; undefined for any other. */
  lastOf(name: string): KnownLane | undefined {
    return this.#last.get(name);
  }

  /** Remembers a lane that this process has folded. */
  add({ name, seq, box }: KnownLane): void {
    this.#last.set(name, { name, seq, box });
  }

  /**
   * Looks up which of these lanes were folded. Resolves to all lanes as they were at the moment at which the
   * records were read, or to undefined when none of these was folded.
   *
   * @param suspects lanes that are missing, and those that are there and were not known
   * @param known learns what the lanes have seen of each other; its other lanes are looked up, too
   * @throws {LaneForgedError} when a lane is there although it was folded, or the records are not those that
   *   the lanes state
   * @throws {VaultUnavailableError} when the vault is sealed, or an epoch is not known yet
   */
  async learn(
    { missing, unknown }: SuspectLanes,
    known: LaneHistory,
    vault: Vault,
    open: (row: LaneRow) => OpenLane,
  ): Promise<readonly OpenLane[] | undefined> {
    const sought = [...missing.filter((name) => !this.#last.has(name)), ...unknown];
    if (!(await this.#isRecorded(sought, vault))) return undefined;
    const { lanes, records } = await this.#readAll(vault, open);
    for (const { name } of lanes)
      if (records.has(keyOf(name, vault)))
        throw new LaneForgedError(`the row ${name} of table lane was put back; its node was removed`);
    learnSeen(known, lanes);
    for (const name of [...sought, ...known.findMissing(lanes)]) {
      const record = records.get(keyOf(name, vault));
      if (record !== undefined) this.#last.set(name, openRecord(name, record, vault));
    }
    return lanes;
  }

  async #isRecorded(names: readonly string[], vault: Vault): Promise<boolean> {
    if (names.length > maxLookups || names.some((name) => this.#last.has(name))) return true;
    const read = { read: this.#read };
    for (const name of names)
      if ((await readRecord(read, foldedLaneKind, keyOf(name, vault))) !== undefined) return true;
    return false;
  }

  /** Reads all lanes and all records of folded ones, which must be those that the lanes state. */
  async #readAll(
    vault: Vault,
    open: (row: LaneRow) => OpenLane,
  ): Promise<{ readonly lanes: readonly OpenLane[]; readonly records: ReadonlyMap<string, StoredRecord> }> {
    const rows = await this.#read(selectAll, []);
    const lanes = rows.filter(({ kind }) => kind === 'lane').map((row) => open(toLaneRow(toLaneCells(row))));
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

function openRecord(name: string, { kind: recordKind, ...row }: StoredRecord, vault: Vault): KnownLane {
  const { key, group, version, expires, box } = row;
  try {
    const content = vault.open({ kind: 'record', recordKind, key, group, version, expires }, box);
    const last: Omit<KnownLane, 'name'> = JSON.parse(new TextDecoder().decode(content));
    return { name, seq: last.seq, box: last.box };
  } catch (error) {
    if (!(error instanceof SealBrokenError)) throw error;
    throw new LaneForgedError(
      `the record of the removed lane ${name} in the database was altered outside kmipd`,
    );
  }
}

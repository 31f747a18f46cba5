import type { Vault } from '../../vault/vault.ts';
import type { Read, SqlRow } from '../sql-driver.ts';
import { FoldedLanes } from './folded-lanes.ts';
import { hashBox, type KnownLane, LaneHistory, type LaneRow } from './lane-history.ts';
import {
  LaneForgedError,
  learnSeen,
  type OpenLane,
  openLane,
  openLanes,
  selectLanes,
  sumLanes,
  toLaneRow,
} from './open-lane.ts';
import type { SetHash } from './set-hash.ts';

/** Reads the lanes of a database, opens each state of one once, and compares them with those seen before. */
export class LaneReader {
  /** What this process has seen. */
  readonly history = new LaneHistory();
  readonly #read: Read;
  readonly #folded: FoldedLanes;
  readonly #open = new Map<string, OpenLane>();
  #latestTime = 0;

  /** @param read reads committed rows, as `SqlDriver.read` */
  constructor(read: Read) {
    this.#read = read;
    this.#folded = new FoldedLanes(read);
  }

  /**
   * The latest time that any lane has stated, as far as this process has read them: POSIX seconds, 0 before.
   * It never falls, so that a clock which was set back brings nothing back that has ended.
   */
  get latestTime(): number {
    return this.#latestTime;
  }

  /** The lanes that were read last. */
  get opened(): ReadonlyMap<string, OpenLane> {
    return new Map(this.#open);
  }

  /** Whether a lane was folded that was looked up because it was missing. */
  isFolded(name: string): boolean {
    return this.#folded.lastOf(name) !== undefined;
  }

  /**
   * Reads all lanes, and compares them with the records of folded ones when they are others than before.
   *
   * @param known what was known before; learns what the lanes have seen of each other
   * @param own lanes of this process and others of its node, which may have been folded
   * @throws {LaneForgedError} when a lane does not open, or was put back after it was folded
   */
  async read(known: LaneHistory, own: readonly string[], vault: Vault): Promise<readonly OpenLane[]> {
    const open = (row: LaneRow) => this.#openChanged(row, vault);
    const lanes = openLanes((await this.#read(selectLanes, [])).map(toLaneRow), open);
    learnSeen(known, lanes);
    return this.#folded.isSettled(lanes, known) ? lanes : this.#folded.compare(known, own, vault, open);
  }

  /**
   * Reads all lanes likewise, and remembers them.
   * @throws {LaneForgedError} also when they cannot follow the known ones
   */
  async follow(known: LaneHistory, own: readonly string[], vault: Vault): Promise<void> {
    const lanes = await this.read(known, own, vault);
    const problem = this.findRollback(known, lanes);
    if (problem !== undefined) throw new LaneForgedError(problem);
    this.learn(known, lanes);
  }

  /** Returns why lanes that were read cannot follow the known ones, a line for the operator. */
  findRollback(known: LaneHistory, lanes: readonly OpenLane[]): string | undefined {
    return known.findRollback(lanes, (name) => this.#folded.lastOf(name));
  }

  /** Remembers lanes that follow the known ones, and forgets those that were folded. */
  learn(known: LaneHistory, lanes: readonly KnownLane[]): void {
    this.history.learn(lanes);
    for (const name of known.findMissing(lanes)) this.#forget(name);
  }

  /** Remembers that this process has folded lanes. */
  learnFolded(lanes: readonly KnownLane[]): void {
    for (const lane of lanes) {
      this.#folded.add(lane);
      this.#forget(lane.name);
    }
  }

  #forget(name: string): void {
    this.history.forget(name);
    this.#open.delete(name);
  }

  /**
   * Returns the sum of lanes that were read together with other rows; undefined when they are others than
   * those that `read` has compared with the records of folded ones: nothing is learned from them.
   *
   * @throws {LaneForgedError} when one does not open, or they cannot follow the known ones
   */
  sum(rows: readonly SqlRow[], known: LaneHistory, vault: Vault): SetHash | undefined {
    const lanes = openLanes(rows.map(toLaneRow), (row) => openLane(row, vault));
    learnSeen(known, lanes);
    if (!this.#folded.isSettled(lanes, known)) return undefined;
    const problem = this.findRollback(known, lanes);
    if (problem !== undefined) throw new LaneForgedError(problem);
    this.learn(known, lanes);
    lanes.forEach((lane) => this.#learnTime(lane));
    return sumLanes(lanes);
  }

  #learnTime({ content }: OpenLane): void {
    this.#latestTime = Math.max(this.#latestTime, content.written ?? 0);
  }

  #openChanged(row: LaneRow, vault: Vault): OpenLane {
    const known = this.#open.get(row.name);
    if (known?.seq === row.seq && known.row.era === row.era && known.box === hashBox(row.box)) return known;
    const lane = openLane(row, vault);
    this.#learnTime(lane);
    this.#open.set(row.name, lane);
    return lane;
  }
}

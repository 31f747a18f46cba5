import { randomInt } from 'node:crypto';
import { type Vault, VaultUnavailableError } from '../../vault/vault.ts';
import type { Read, SqlRow, SqlUnit } from '../sql-driver.ts';
import { StoreUnavailableError } from '../store.ts';
import { AnchorKeeper } from './anchor-keeper.ts';
import { maxSeenLanes } from './lane-content.ts';
import type { KnownLane, LaneHistory } from './lane-history.ts';
import type { LaneConnection, LaneOptions } from './lane-ports.ts';
import { LaneReader } from './lane-reader.ts';
import { changesLane, renewOutdated } from './lane-renewal.ts';
import { LaneStop } from './lane-stop.ts';
import type { LaneEnd, LaneProcess, LaneWriter } from './lane-writer.ts';
import { LaneWriters } from './lane-writers.ts';
import {
  findOlderKeyring,
  findOtherPolicies,
  hasMoved,
  isGenuine,
  LaneForgedError,
  type OpenLane,
  readLaneRow,
  selectLanes,
} from './open-lane.ts';
import type { SetHash } from './set-hash.ts';

const maxEra = 2 ** 48 - 1;
const checkMilliseconds = 1_000;
const notStarted = 'nothing is written while the vault is sealed';

/**
 * The lanes of a process, one for each of its writing connections, and the comparison of all lanes with what
 * was seen of them before. Once a rollback was found, nothing is written any more.
 */
export class Lanes {
  /** Is called when another lane states other anchored records than before. */
  anchoredMoved: () => void = () => {};
  /** Commits `laneRenewal` by a connection. */
  renew: (suffix: string) => Promise<unknown> = async () => {};
  /** See `LaneContent.policy`. */
  policy: string | undefined;
  readonly #read: Read;
  readonly #lanes: LaneReader;
  readonly #anchor = new AnchorKeeper();
  readonly #era = randomInt(1, maxEra);
  readonly #writers = new LaneWriters();
  #options: LaneOptions | undefined;
  #keyring = 0;
  #storedKeyring = 0;
  #isStarted = false;
  readonly #stop = new LaneStop();
  /** See `LaneReader.latestTime`. */
  readonly latestTime = () => this.#lanes.latestTime;
  #checking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param read reads committed rows, as `SqlDriver.read` */
  constructor(read: Read) {
    this.#read = read;
    this.#lanes = new LaneReader(read);
  }

  /** Returns the lane of a writing connection; `suffix` follows the name of the process in its name. */
  connection(suffix: string): LaneConnection {
    const writer = this.#writers.add(suffix);
    return {
      requireWritable: (units) => {
        if (this.#requireWritable(units)) this.#requireStarted();
      },
      createEnd: (units) => this.#createEnd(writer, suffix, units),
      accept: (end) => this.#accept(writer, end),
      doubt: (end) => writer.doubt(end),
      resolveConflict: () => this.#resolveConflict(writer),
    };
  }

  /**
   * Compares the lanes in the database with the anchors and lets this process write; from then on compares
   * them each second. While the vault is sealed, both happens within a second after it was unsealed.
   * @throws {StoreUnavailableError} when the database cannot be read
   */
  async start(options: LaneOptions): Promise<void> {
    this.#options = options;
    this.#stop.observer = options.observer;
    this.#writers.rename(options.name, options.siblings);
    this.#timer = setInterval(() => this.#checkLater(options), checkMilliseconds).unref();
    await this.check();
  }

  /**
   * Compares all lanes with what was seen of them, and keeps what is new in the anchor.
   * @throws {StoreUnavailableError} when the database cannot be read
   */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** Compares likewise; a comparison that is at work may have read the database before the call. */
  async checkAnew(): Promise<void> {
    await this.#checking?.catch(() => {});
    await this.check();
  }

  /** Keeps the last state in the anchor; to be called when nothing is written any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#checking?.catch(() => {});
    if (this.#options !== undefined) await this.#keepAnchor(this.#options).catch(() => {});
  }

  /**
   * Is called before all lanes are read. The returned function takes the rows, reports a rollback that they
   * show, and returns the hash of all rows as they state it; undefined when lanes have appeared or gone,
   * which `compareFolded` looks into.
   *
   * @throws {LaneForgedError} when a rollback was found, also from the function
   * @throws {StoreUnavailableError} when this process has not compared the lanes yet
   */
  async expectLanes(vault: Vault): Promise<(rows: readonly SqlRow[]) => SetHash | undefined> {
    const isPending = this.#options !== undefined && !this.#isStarted;
    if (isPending) await this.check();
    if (this.#stop.rollback !== undefined) throw new LaneForgedError(this.#stop.rollback);
    if (isPending && !this.#isStarted) throw new StoreUnavailableError(this.#stop.reason ?? notStarted);
    const known = this.#knownLanes();
    return (rows) => {
      try {
        return this.#lanes.sum(rows, known, vault);
      } catch (error) {
        throw this.#stop.rollBackIfForged(error);
      }
    };
  }

  /**
   * Compares lanes that have appeared or gone with the records of folded ones.
   * @throws {LaneForgedError} when a rollback was found
   * @throws {StoreUnavailableError} when the database cannot be read
   */
  async compareFolded(vault: Vault): Promise<void> {
    const known = this.#knownLanes();
    try {
      await this.#lanes.follow(known, this.#writers.ofNode, vault);
    } catch (error) {
      throw this.#stop.rollBackIfForged(error);
    }
  }

  /** Whether the last comparison has found a lane in that state. */
  isPresent({ name, seq, box }: KnownLane): boolean {
    const lane = this.#lanes.opened.get(name);
    return lane?.seq === seq && lane.box === box;
  }

  /** Remembers that this process has folded lanes. */
  learnFolded(lanes: readonly KnownLane[]): void {
    this.#lanes.learnFolded(lanes);
  }

  #checkLater({ observer }: LaneOptions): void {
    this.check().catch((error: unknown) => {
      // Requests report a database that cannot be read.
      if (!(error instanceof StoreUnavailableError)) observer.notAnchored((error as Error).message);
    });
  }

  async #check(): Promise<void> {
    const options = this.#options;
    if (options === undefined || !options.vault.unsealed) return;
    if (this.#stop.reason !== undefined) return this.#keepAnchor(options);
    try {
      if (!this.#isStarted) await this.#readAnchors(options);
      await this.#compare(options);
    } catch (error) {
      // An epoch that is not known yet is known soon; what is wrong with a lane then still is.
      if (error instanceof VaultUnavailableError) return;
      if (error instanceof StoreUnavailableError) throw error;
      // Whatever else prevents the comparison is in the rows or the anchors, and lasts.
      this.#stop.rollBack((error as Error).message);
    }
    await this.#keepAnchor(options);
  }

  async #readAnchors(options: LaneOptions): Promise<void> {
    for (const { keyring, lanes } of await this.#anchor.read(options)) {
      this.#keyring = Math.max(this.#keyring, keyring);
      this.#lanes.history.learn(lanes);
    }
  }

  async #compare({ vault, keyrings, keyringMoved }: LaneOptions): Promise<void> {
    const known = this.#knownLanes();
    const before = this.#lanes.opened;
    const lanes = await this.#lanes.read(known, this.#writers.ofNode, vault);
    const readAt = performance.now();
    // After the lanes: what they state of it was stored before them.
    const keyring = (await keyrings.read())?.generation ?? 0;
    vault.learnStored(keyring, readAt);
    const states = [{ keyring: this.#keyring }, ...lanes.map(({ content }) => content)];
    const problem = findOlderKeyring(keyring, states) ?? this.#lanes.findRollback(known, lanes);
    if (problem !== undefined) return void this.#stop.rollBack(problem);
    const removed = this.#writers.ofNode.find((name) => this.#lanes.isFolded(name));
    if (removed !== undefined) return void this.#stop.remove(removed);
    if (keyring > Math.max(this.#storedKeyring, vault.generation)) keyringMoved?.();
    this.#storedKeyring = keyring;
    // Nobody vouches for the number of a keyring that this process has not opened.
    this.#keyring = Math.max(this.#keyring, Math.min(keyring, vault.generation));
    this.#lanes.learn(known, lanes);
    const others = lanes.filter((lane) => !this.isOwn(lane));
    vault.sealCounter.learnOthers(others.map(({ content }) => content.seals));
    if (!this.#isStarted) this.#resume(lanes, vault);
    renewOutdated(this.#writers.bySuffix, { vault, keyring: this.#keyring, policy: this.policy }, this.renew);
    if (others.some((lane) => hasMoved(lane, before.get(lane.name)))) this.anchoredMoved();
    this.#options?.observer.policies?.(findOtherPolicies(others, this.policy));
  }

  #resume(lanes: readonly OpenLane[], vault: Vault): void {
    const own = lanes.filter((lane) => this.isOwn(lane));
    vault.sealCounter.resume(own.map(({ content }) => content.seals));
    this.#writers.resume(own);
    this.#options?.audit?.resume(this.#writers.journal);
    this.#isStarted = true;
  }

  /** What is known of all lanes by now, to compare what is read from now on. */
  #knownLanes(): LaneHistory {
    this.#lanes.history.learn(this.#writers.states);
    return this.#lanes.history.copy();
  }

  async #keepAnchor(options: LaneOptions): Promise<void> {
    // After a rollback too, so that the next start finds it: the last commits may have had no anchor yet. A
    // process that was displaced does not know its lanes.
    if (!this.#isStarted || this.#stop.isDisplaced) return;
    this.#knownLanes();
    await this.#anchor.keep(options, this.#keyring, this.#lanes.history.lanes);
  }

  #createEnd(writer: LaneWriter, suffix: string, units: readonly SqlUnit[]): LaneEnd | undefined {
    if (!this.#requireWritable(units)) return undefined;
    const process = this.#requireStarted();
    // The other connection of the process has a chain of its own.
    const journal = suffix === '' ? this.#options?.audit?.peek() : undefined;
    return writer.createEnd(units, process, journal);
  }

  #accept(writer: LaneWriter, end: LaneEnd): void {
    writer.accept(end);
    if (end.appended !== undefined) this.#options?.audit?.appended(end.appended);
  }

  /** Returns whether units change sealed rows or the log; throws when nothing may be written. */
  #requireWritable(units: readonly SqlUnit[]): boolean {
    if (this.#stop.reason !== undefined) throw new StoreUnavailableError(this.#stop.reason);
    return units.some(changesLane);
  }

  #requireStarted(): LaneProcess {
    const { vault } = this.#options ?? {};
    if (!this.#isStarted || vault === undefined) throw new StoreUnavailableError(notStarted);
    const own = { era: this.#era, keyring: this.#keyring, policy: this.policy };
    return { vault, ...own, now: Date.now(), seen: this.#seenLanes() };
  }

  /** The other lanes, those that changed last. */
  #seenLanes(): readonly KnownLane[] {
    return this.#lanes.history.lanes.filter((lane) => !this.isOwn(lane)).slice(-maxSeenLanes);
  }

  /** Name of the lane of the process. */
  get name(): string {
    return this.#writers.name;
  }

  /** Whether a lane is one of this process. */
  isOwn({ name }: { readonly name: string }): boolean {
    return this.#writers.has(name);
  }

  async #resolveConflict(writer: LaneWriter): Promise<void> {
    const { vault } = this.#requireStarted();
    const rows = await this.#read(selectLanes, []);
    const own = rows.find(({ name }) => name === writer.name);
    const found = own && readLaneRow(own);
    const isOpen = found !== undefined && isGenuine(found, vault);
    const { conflict, committed } = writer.resolveConflict(found, isOpen);
    if (committed?.appended !== undefined) this.#options?.audit?.appended(committed.appended);
    // The lane was folded, or somebody has deleted it: the next check finds out.
    if (conflict === 'rollback' && found === undefined) await this.checkAnew();
    else if (conflict === 'rollback')
      this.#stop.rollBack(`the row ${writer.name} of table lane was put back, replaced or removed`);
    else if (conflict === 'shared') this.#stop.displace(writer.name);
    if (this.#stop.reason !== undefined) throw new StoreUnavailableError(this.#stop.reason);
    if (found === undefined) throw new StoreUnavailableError(`the lane ${writer.name} is missing`);
  }
}

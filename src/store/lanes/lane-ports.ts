import type { LaneJournal } from '../../audit/audit.ts';
import type { KeyringStore, Vault } from '../../vault/vault.ts';
import type { SqlUnit } from '../sql-driver.ts';
import type { AnchorStore } from './anchor.ts';
import type { LaneEnd } from './lane-writer.ts';

/** What a process and its writing connections know of lanes. */

/** How often a transaction is tried that did not find its lane, because an earlier one was committed. */
export const maxLaneAttempts = 3;

/** How a process keeps its lanes. */
export interface LaneOptions {
  /** While it is sealed nothing is written; the lanes start within a second after it was unsealed. */
  readonly vault: Vault;
  readonly keyrings: KeyringStore;
  /** Is called when the stored keyring is another one than before. */
  readonly keyringMoved?: () => void;
  /** Unique among the processes that write to the database, and the same at each start. */
  readonly name: string;
  /** Names of the other processes of this node, which are removed together with this one. */
  readonly siblings?: readonly string[];
  readonly anchors: AnchorStore;
  readonly observer: LaneObserver;
  /** The audit log of the process; left out where nothing waits to be moved into its chain. */
  readonly audit?: LaneJournal | undefined;
}

/** Is told what becomes of the lanes. */
export interface LaneObserver {
  /** The database was put back to an earlier state, or forged: this process writes nothing any more. */
  rolledBack(why: string): void;
  /** Another process writes as this one, or its node was removed: this process writes nothing any more. */
  displaced(why: string): void;
  /** There was no anchor; one was made of the database as it is. */
  anchored(): void;
  /** The anchor could not be written; it is tried again each second. */
  notAnchored(why: string): void;
  /** These nodes stated another policy than this process, when they wrote last; called each second. */
  policies?(nodes: readonly string[]): void;
}

/** The lane of one writing connection. */
export interface LaneConnection {
  /** @throws {StoreUnavailableError} when units like these may not be written */
  requireWritable(units: readonly SqlUnit[]): void;
  /**
   * Builds the last statements of a transaction in which these units go through; undefined when they change
   * no sealed row and record nothing.
   * @throws {StoreUnavailableError} when nothing may be written
   */
  createEnd(units: readonly SqlUnit[]): LaneEnd | undefined;
  /** The transaction with that end is durable. */
  accept(end: LaneEnd): void;
  /** The transaction with that end may be durable, now or later. */
  doubt(end: LaneEnd): void;
  /**
   * To be called when the statement of the lane found no row, after its transaction was rolled back. Resolves
   * when the transaction may be tried again, with a new end.
   * @throws {StoreUnavailableError} when this process must not write any more
   */
  resolveConflict(): Promise<void>;
}

import type { AppendedEntries, JournalPart } from '../../audit/audit.ts';
import { isSameBytes } from '../../common/bytes.ts';
import type { SealedKey, Vault } from '../../vault/vault.ts';
import { appendEntries, startChain } from '../audit/audit-block.ts';
import type { SqlStep, SqlUnit, WrittenRow } from '../sql-driver.ts';
import { encodeLane, type LaneAudit, type LaneContent, type SeenLane } from './lane-content.ts';
import type { LaneRow } from './lane-history.ts';
import { SetHash, segmentOf } from './set-hash.ts';

const insertLane =
  'insert into lane (name, seq, era, box) values ($1, $2, $3, $4) on conflict (name) do nothing';
const updateLane = 'update lane set seq = $2, era = $3, box = $4 where name = $1 and seq = $5';

/** What a unit changes of the lane. */
export type LaneChange = Pick<SqlUnit, 'changes' | 'folded' | 'audit'>;

/** What every lane of a process states beside its rows. */
export interface LaneProcess {
  readonly vault: Vault;
  /** Random number of this start of the process. */
  readonly era: number;
  /** Generation of the keyring. */
  readonly keyring: number;
  /** The time: milliseconds since 1970. */
  readonly now: number;
  /** As `LaneContent.policy`. */
  readonly policy: string | undefined;
  /** Other lanes that the process has seen. */
  readonly seen: readonly SeenLane[];
}

/** A state of the lane; number 0 stands for no row. */
interface LaneState {
  readonly seq: number;
  readonly box: SealedKey | undefined;
  readonly content: LaneStatement;
}

/** What a lane states of its rows, and of what its process knew. */
export type LaneStatement = Pick<LaneContent, 'rows' | 'keyring' | 'roots' | 'audit' | 'policy'>;

/** The last statements of a transaction, and what becomes of the lane when it is committed. */
export interface LaneEnd {
  readonly steps: readonly SqlStep[];
  readonly next: LaneState;
  readonly appended: AppendedEntries | undefined;
}

/** Why a lane was not where its process had left it. */
export type LaneConflict =
  /** A commit whose result was unknown has succeeded. */
  | 'committed'
  /** Another process writes the lane. */
  | 'shared'
  /** The row was put back, replaced or removed. */
  | 'rollback';

const noState: LaneState = {
  ...{ seq: 0, box: undefined },
  content: { rows: new SetHash(), keyring: 0, roots: [], audit: undefined, policy: undefined },
};

/**
 * The lane of one writing connection: the row that the last statement of each of its transactions replaces,
 * so that rows and their hash are committed together. It never waits for other processes, which have lanes of
 * their own.
 */
export class LaneWriter {
  /** Unique in the database; set before the first step. */
  name: string;
  #state = noState;
  /** States of transactions of which the result is unknown. */
  #doubtful: LaneEnd[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** The committed state, as far as this process knows; undefined while there is none. */
  get row(): { readonly name: string; readonly seq: number; readonly box: SealedKey } | undefined {
    const { seq, box } = this.#state;
    return box && { name: this.name, seq, box };
  }

  /** What the committed state says. */
  get statement(): LaneStatement {
    return this.#state.content;
  }

  /** Continues at a row that an earlier process of this name has left. */
  resume({ seq, box }: LaneRow, content: LaneStatement): void {
    this.#state = { seq, box, content };
  }

  /**
   * Builds the last statements of a transaction of these units, which end with that of the lane.
   * @param journal goes into the chain behind the entries of the units
   * @throws {VaultUnavailableError} when the vault is sealed
   */
  createEnd(units: readonly LaneChange[], process: LaneProcess, journal?: JournalPart): LaneEnd {
    const { vault, era, keyring, now, seen, policy } = process;
    const rows = new SetHash(this.#state.content.rows.bytes);
    for (const { changes, folded } of units) {
      for (const change of changes) applyChange(rows, change, vault);
      if (folded !== undefined) rows.addAll(folded);
    }
    const { steps, audit, appended } = this.#appendAudit(units, process, journal);
    const seq = this.#state.seq + 1;
    const content = { keyring, roots: vault.rootsAtHand, rows, audit, policy };
    const written = Math.floor(now / 1000);
    const encoded = encodeLane({ ...content, seals: vault.sealCounter.own, written, seen });
    const box = vault.seal({ kind: 'lane', name: this.name, seq, era }, encoded);
    const parameters = [this.name, seq, era, box];
    const step =
      seq === 1
        ? { sql: insertLane, parameters, rows: 1 }
        : { sql: updateLane, parameters: [...parameters, seq - 1], rows: 1 };
    return { steps: [...steps, step], next: { seq, box, content }, appended };
  }

  #appendAudit(
    units: readonly LaneChange[],
    { vault, now: time }: LaneProcess,
    journal: JournalPart | undefined,
  ): { steps: readonly SqlStep[]; audit: LaneAudit | undefined; appended: AppendedEntries | undefined } {
    const { audit: before } = this.#state.content;
    const entries = [...units.flatMap(({ audit = [] }) => audit), ...(journal?.entries ?? [])];
    if (entries.length === 0) return { steps: [], audit: before, appended: undefined };
    const start = before ?? startChain();
    const { steps, chain } = appendEntries(start, entries, { vault, time });
    const last = journal?.last ?? before?.journal ?? 0;
    const appended = { chain: start.id, first: start.count, entries, journal: last };
    return { steps, audit: { ...chain, journal: last }, appended };
  }

  /** The transaction with that end is durable. */
  accept({ next }: LaneEnd): void {
    this.#state = next;
    this.#doubtful = [];
  }

  /** The transaction with that end may be durable, now or later. */
  doubt(end: LaneEnd): void {
    this.#doubtful.push(end);
  }

  /**
   * Explains why an end has found no row to replace; `row` is what the database has now. With the end of the
   * transaction that has written it, where its result was unknown.
   */
  resolveConflict(
    row: LaneRow | undefined,
    opens: boolean,
  ): { readonly conflict: LaneConflict; readonly committed?: LaneEnd } {
    const committed = this.#doubtful.find(({ next: { seq, box } }) => isState(row, seq, box));
    if (committed !== undefined) {
      this.accept(committed);
      return { conflict: 'committed', committed };
    }
    const isShared = row !== undefined && opens && row.seq > this.#state.seq;
    return { conflict: isShared ? 'shared' : 'rollback' };
  }
}

function isState(row: LaneRow | undefined, seq: number, box: SealedKey | undefined): boolean {
  return row !== undefined && box !== undefined && row.seq === seq && isSameBytes(row.box, box);
}

function applyChange(rows: SetHash, { table, id, kind, before, after }: WrittenRow, vault: Vault): void {
  const segment = segmentOf(id, kind);
  if (before !== null) rows.remove(segment, vault.element(table, id, before.version, before.tag));
  if (after !== null) rows.add(segment, vault.element(table, id, after.version, after.tag));
}

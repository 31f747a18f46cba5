import { isSameBytes } from '../../common/bytes.ts';
import type { SealedKey, Vault } from '../../vault/vault.ts';
import type { SqlStep, SqlUnit, WrittenRow } from '../sql-driver.ts';
import { encodeLane, type LaneContent, type SeenLane } from './lane-content.ts';
import type { LaneRow } from './lane-history.ts';
import { SetHash, segmentOf } from './set-hash.ts';

const insertLane =
  'insert into lane (name, seq, era, box) values ($1, $2, $3, $4) on conflict (name) do nothing';
const updateLane = 'update lane set seq = $2, era = $3, box = $4 where name = $1 and seq = $5';

/** What a unit changes of the lane. */
export type LaneChange = Pick<SqlUnit, 'changes' | 'folded'>;

/** What every lane of a process states beside its rows. */
export interface LaneProcess {
  readonly vault: Vault;
  /** Random number of this start of the process. */
  readonly era: number;
  /** Generation of the keyring. */
  readonly keyring: number;
  /** The time: POSIX seconds. */
  readonly now: number;
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
export type LaneStatement = Pick<LaneContent, 'rows' | 'keyring' | 'roots'>;

/** The last statement of a transaction, and what becomes of the lane when it is committed. */
export interface LaneStep extends SqlStep {
  readonly rows: 1;
  readonly next: LaneState;
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
  content: { rows: new SetHash(), keyring: 0, roots: [] },
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
  #doubtful: LaneState[] = [];

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
   * Builds the last statement of a transaction of these units.
   * @throws {VaultUnavailableError} when the vault is sealed
   */
  createStep(units: readonly LaneChange[], process: LaneProcess): LaneStep {
    const { vault, era, keyring, now, seen } = process;
    const rows = new SetHash(this.#state.content.rows.bytes);
    for (const { changes, folded } of units) {
      for (const change of changes) applyChange(rows, change, vault);
      if (folded !== undefined) rows.addAll(folded);
    }
    const seq = this.#state.seq + 1;
    const content = { keyring, roots: vault.rootsAtHand, rows };
    const encoded = encodeLane({ ...content, seals: vault.sealCounter.own, written: now, seen });
    const box = vault.seal({ kind: 'lane', name: this.name, seq, era }, encoded);
    const next = { seq, box, content };
    return seq === 1
      ? { sql: insertLane, parameters: [this.name, seq, era, box], rows: 1, next }
      : { sql: updateLane, parameters: [this.name, seq, era, box, seq - 1], rows: 1, next };
  }

  /** The transaction with that step is durable. */
  acceptStep({ next }: LaneStep): void {
    this.#state = next;
    this.#doubtful = [];
  }

  /** The transaction with that step may be durable, now or later. */
  doubtStep({ next }: LaneStep): void {
    this.#doubtful.push(next);
  }

  /** Explains why a step has found no row to replace; `row` is what the database has now. */
  resolveConflict(row: LaneRow | undefined, opens: boolean): LaneConflict {
    const committed = this.#doubtful.find(({ seq, box }) => isState(row, seq, box));
    if (committed !== undefined) {
      this.#state = committed;
      this.#doubtful = [];
      return 'committed';
    }
    return row !== undefined && opens && row.seq > this.#state.seq ? 'shared' : 'rollback';
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

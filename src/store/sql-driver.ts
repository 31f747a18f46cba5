import type { CommitResult } from './store.ts';

/**
 * Port between the SQL of `sql-store.ts` and one database engine: connecting, binding, locking, grouping of commits and
 * error translation, nothing else. SQL is the subset both engines share, with `$1` placeholders.
 */

export type SqlValue = string | number | null | Uint8Array;

/** Columns by name. Big integers arrive as numbers; one beyond 2^53 is an error, never rounded. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/**
 * One statement of a unit. Plain data, so that it crosses a thread or fills a pipeline. `sql` comes from a small fixed
 * set: drivers prepare each text once and keep it.
 */
export interface SqlStep {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  /** How many rows it must touch or return; with another number the unit fails with `otherwise`. Left out: any number. */
  readonly rows?: number;
  readonly otherwise?: 'conflict' | 'taken';
}

/** Statements that are applied all or not at all. */
export interface SqlUnit {
  /** Objects whose rows the unit reads or writes, so that an engine with row locks takes them in one order. */
  readonly objects: readonly string[];
  /** Records, likewise. */
  readonly records?: readonly { readonly kind: string; readonly id: string }[];
  readonly steps: readonly SqlStep[];
}

/** Where the engines differ in their data definition language. */
export interface Dialect {
  /** Primary key that grows with every insertion and is never used twice. */
  readonly serial: string;
  /** 64-bit integer. */
  readonly integer: string;
  readonly blob: string;
  /** What ends `create table`. */
  readonly tableEnd: string;
  /** What ends `create table` for one whose rows live in its primary key. */
  readonly clusteredEnd: string;
  /** The planner knows how many rows a value has. Without: the store counts before it chooses where a search starts. */
  readonly statistics: boolean;
}

/** What group commit achieved since the start. */
export interface CommitCounts {
  readonly units: number;
  readonly transactions: number;
}

export interface SqlDriver {
  readonly dialect: Dialect;
  readonly counts: CommitCounts;
  /**
   * Reads committed rows. `once`: plan it for these values, it is not one of the fixed texts. Rejects with
   * StoreUnavailable when the database is away.
   */
  read(sql: string, parameters: readonly SqlValue[], once?: 'once'): Promise<readonly SqlRow[]>;
  /** As `Store.commit`: durable when it resolves, grouped with what arrives at the same time. */
  commit(unit: SqlUnit): Promise<CommitResult>;
  /** Finishes what was handed over, then ends. Further calls reject with StoreUnavailable. */
  close(): Promise<void>;
}

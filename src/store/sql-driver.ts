import type { ChainEntry } from '../common/audit-chain.ts';
import type { SetHash } from './lanes/set-hash.ts';
import type { CommitResult, NumberedTable } from './store.ts';

/**
 * Port between the SQL of `sql-store.ts` and one database engine: connecting, binding, locking, grouping of
 * commits and error translation, nothing else. SQL is the subset both engines share, with `$1` placeholders.
 */

/** A value of a parameter or column. */
export type SqlValue = string | number | null | Uint8Array;

/** Columns by name. Big integers are numbers; a value beyond 2^53 is an error, never rounded. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/**
 * One statement of a unit. Plain data, so that it can be sent to a thread or pipelined. `sql` is one of a
 * small fixed set of texts, which drivers prepare once and cache.
 */
export interface SqlStep {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  /**
   * Rows that the statement must change or return; any other number fails the unit with `otherwise`. Absent:
   * any.
   */
  readonly rows?: number;
  /** The statement inserts at most one row into this table; the unit fails if its number is no usable one. */
  readonly numbers?: NumberedTable;
  /** Result of the unit when the number of rows is wrong; `conflict` by default. */
  readonly otherwise?: 'conflict' | 'taken';
}

/** One version of a row: its number, and the tag of its box. */
export interface RowVersion {
  readonly version: number;
  readonly tag: Uint8Array;
}

/** A sealed row that a unit writes. */
export interface WrittenRow {
  readonly table: 'managed_object' | 'sealed_record';
  /** Identifier of an object, key of a record. */
  readonly id: string;
  /** Kind of a record. */
  readonly kind?: string;
  /** Null: the unit inserts the row. */
  readonly before: RowVersion | null;
  /** Null: the unit removes the row. */
  readonly after: RowVersion | null;
}

/** Statements that are applied completely or not at all. */
export interface SqlUnit {
  /** Ids of the objects that the unit reads or writes; an engine with row locks locks them in one order. */
  readonly objects: readonly string[];
  /** Records that the unit reads or writes, for the same purpose; messages name their kinds only. */
  readonly records?: readonly { readonly kind: string; readonly key: string }[];
  /**
   * Texts that stand for names and keys which the unit inserts where no other unit has inserted them under
   * another hash; an engine with concurrent writers lets one unit at a time have each of them.
   */
  readonly reserves?: readonly string[];
  /** What its steps change of sealed rows, in order. */
  readonly changes: readonly WrittenRow[];
  /** Sums of lanes that its steps delete; the lane of the connection takes them over. */
  readonly folded?: SetHash;
  /** Entries of the audit log that are durable with it. */
  readonly audit?: readonly ChainEntry[];
  /** Whether it writes the lane of the connection even where nothing else changes. */
  readonly renewsLane?: boolean;
  readonly steps: readonly SqlStep[];
}

/** Differences between the engines in data definition, and in what makes a planner do as it is told. */
export interface Dialect {
  /** Column type of a primary key that grows with every insertion and is never reused. */
  readonly serial: string;
  /** 64-bit integer. */
  readonly integer: string;
  readonly blob: string;
  /** End of `create table`. */
  readonly tableEnd: string;
  /** End of `create table` for a table clustered by its primary key. */
  readonly clusteredEnd: string;
  /**
   * End of a subquery that the planner must not merge into its query: it would take longer to plan many of
   * them than to run them.
   */
  readonly apart: string;
  /**
   * From clause of the rows `alias` of a table that meet a condition for each row of `outer`, which is read
   * first. More conditions follow with "and".
   */
  each(outer: string, table: string, alias: string, condition: string): string;
  /**
   * Condition and order of the rows whose first column is equal to a value and whose second one, a number of
   * rows, is less than another and above 0: read backwards from an index on both.
   */
  before(columns: readonly [string, string], values: readonly [string, string]): string;
  /** The last number that a `serial` column has got; null where that is unknown. */
  lastNumber(table: NumberedTable): string;
  /** Statement after which the column gets the numbers that follow `$1`. */
  continueAfter(table: NumberedTable): string;
  /** What an update sets the column to: the number of a parameter, or the next one if the engine insists. */
  newNumber(parameter: string): string;
  /** Query with the numbers of a JSON array, given as text by a parameter, as column `seq`. */
  numbers(parameter: string): string;
}

/** Committed units and transactions since the start. */
export interface CommitCounts {
  readonly units: number;
  readonly transactions: number;
}

/** Runs a statement that only reads. */
export type Read = (sql: string, parameters: readonly SqlValue[]) => Promise<readonly SqlRow[]>;

/** One database engine. */
export interface SqlDriver {
  readonly dialect: Dialect;
  readonly counts: CommitCounts;
  /** Statements of searches that the engine runs at the same time. */
  readonly searchSlots: number;
  /**
   * Reads committed rows by one of the fixed texts; takes microseconds.
   *
   * @throws {StoreUnavailableError} when the database is unavailable or the driver is closed.
   */
  read(sql: string, parameters: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /**
   * Reads committed rows by any text, planned for these values, without holding the event loop.
   *
   * @throws {StoreUnavailableError} as `read` does
   * @throws {SearchEndedError} when the database has ended the statement, because it took too long
   */
  search(sql: string, parameters: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /**
   * Runs reads that all see the database as it is at the first of them, without holding the event loop. Any
   * one may take as long as it needs.
   *
   * @throws {StoreUnavailableError} when the database is unavailable or the driver is closed
   */
  snapshot<T>(work: (read: Read) => Promise<T>): Promise<T>;
  /** As `Store.commit`: durable when resolved, grouped with units that arrive at the same time. */
  commit(unit: SqlUnit): Promise<CommitResult>;
  /** Finishes pending commits, then closes; further calls reject with StoreUnavailableError. */
  close(): Promise<void>;
}

import type { NumberedTable } from '../store.ts';

/** How the rows of a database are sealed, as the headers of their boxes say: nothing is opened. */

interface SealedRow {
  /** Number of the row, in the order of insertion. */
  readonly seq: number;
  /** The oldest epoch of its boxes; 0 for what is no box. */
  readonly epoch: number;
}

export interface SealedObject extends SealedRow {
  readonly id: string;
  readonly group: string;
  readonly objectType: string;
  /** Whether it has a value: in a box of its own, or beside the attributes of an object not destroyed. */
  readonly hasValue: boolean;
  /** Id of the root whose token wraps the key of its value; null in envelope mode. */
  readonly root: string | null;
}

export interface SealedRecord extends SealedRow {
  readonly kind: string;
  readonly key: string;
}

/** A block of the audit log. */
export type SealedBlock = SealedRow;

/** Some rows in the order of their numbers. */
export interface SealedRows<Row extends SealedRow = SealedRow> {
  readonly rows: readonly Row[];
  /** Whether no row had a higher number. */
  readonly isLast: boolean;
}

/** How many values of an Object Type are sealed in one way. */
export interface SealedValueCount {
  readonly objectType: string;
  /** As that of `SealedObject`. */
  readonly root: string | null;
  readonly count: number;
}

/** Lists rows with what the headers of their boxes say. */
export interface SealedRowList {
  /** Some objects with a number above `after`. */
  objects(after: number): Promise<SealedRows<SealedObject>>;
  /** Likewise records. */
  records(after: number): Promise<SealedRows<SealedRecord>>;
  /** Likewise blocks of the audit log. */
  blocks(after: number): Promise<SealedRows<SealedBlock>>;
  /** Counts all objects, and those numbers by which `objects` finds one: a row of another hides there. */
  countObjects(): Promise<{ readonly all: number; readonly listed: number }>;
  /** The highest number of a table; 0 while it is empty. */
  highest(table: NumberedTable): Promise<number>;
  /** Counts all values; reads the whole table. */
  countValues(): Promise<readonly SealedValueCount[]>;
}

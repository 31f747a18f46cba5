import type { SqlValue } from './sql-driver.ts';

/**
 * Cells of rows that somebody else may have written, with a type or size that kmipd gives none. They are read
 * as values that no box was sealed for, so that such a row is refused alone, and named.
 */

/**
 * Returns an SQL expression for an integer column; a number that kmipd writes nowhere stands for one that is
 * too large for a double. Null stays null, which means something.
 */
export function exactInteger(column: string): string {
  const max = Number.MAX_SAFE_INTEGER;
  return `case when ${column} is null or ${column} between -${max} and ${max} then ${column} else -${max} end`;
}

/** Whether a value is a number as kmipd writes them: versions, dates, counts. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** The number in a cell, which no box is bound to unless it is a whole one. */
export function cellNumber(cell: SqlValue | undefined): number {
  return typeof cell === 'number' ? cell : Number.NaN;
}

/** The text in a cell; the empty one for other types. */
export function cellText(cell: SqlValue | undefined): string {
  return typeof cell === 'string' ? cell : '';
}

/** The bytes in a cell; none for other types. */
export function cellBytes(cell: SqlValue | undefined): Uint8Array {
  return cell instanceof Uint8Array ? cell : new Uint8Array();
}

import type { SqlValue } from './sql-driver.ts';

/**
 * Cells of rows that somebody else may have written, with a type or size that kmipd gives none. They are read
 * as values that no box was sealed for, so that such a row is refused alone, and named.
 */

/** Returns an SQL expression for an integer column; null where the number is too large for a double. */
export function exactInteger(column: string): string {
  const max = Number.MAX_SAFE_INTEGER;
  return `case when ${column} between -${max} and ${max} then ${column} end`;
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

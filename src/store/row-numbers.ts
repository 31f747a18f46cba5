import { type NumberedTable, StoreUnavailableError } from './store.ts';

/** Numbers of rows, which the database gives from 1 on, out of sequences that somebody else may change. */

/**
 * Returns a condition on the number of a row, which the database gives from 1 on. Rows with others were
 * written by somebody else, and would end a reading by pages.
 */
export function hasOwnNumber(column: string): string {
  return `${column} between 1 and ${Number.MAX_SAFE_INTEGER}`;
}

/**
 * Returns `hasOwnNumber` for those after a place, in ascending order; the place is 0 or more. SQLite seeks an
 * index by the first lower bound that it finds: with two of them, each page could begin at the first row.
 */
export function isNumberAfter(column: string, place: string): string {
  return `${column} > ${place} and ${column} <= ${Number.MAX_SAFE_INTEGER}`;
}

/** As `isNumberAfter`, of those before a place, in descending order; the place is a safe integer. */
export function isNumberBefore(column: string, place: string): string {
  return `${column} < ${place} and ${column} > 0`;
}

/** Whether a number satisfies `hasOwnNumber`, so that its row is found. */
export function isOwnNumber(number: unknown): boolean {
  return Number.isSafeInteger(Number(number)) && Number(number) > 0;
}

/** Half of the numbers: no sequence gets beyond it by counting, and as many are left then. */
export const maxUsualNumber = 2 ** 52;

/** Returns a condition on numbers that a repair keeps; those that it gives are usual ones, too. */
export function hasUsualNumber(column: string): string {
  return `${column} between 1 and ${maxUsualNumber / 2}`;
}

/** An insertion got a number under which its row is not found again, or none. */
export class SequenceError extends StoreUnavailableError {
  constructor(table: NumberedTable) {
    super(
      `the sequence of table ${table} was changed by another program and gives no usable number; kmipd vault accept resets it`,
    );
  }
}

import { StoreUnavailableError } from './store.ts';

/** Numbers of rows, which the database gives from 1 on, out of sequences that somebody else may change. */

/** Tables with a column `seq`. */
export type NumberedTable = 'managed_object' | 'sealed_record';

export const numberedTables: readonly NumberedTable[] = ['managed_object', 'sealed_record'];

/** Half of the numbers: no sequence gets beyond it by counting, and as many are left then. */
export const maxUsualNumber = 2 ** 52;

/** Returns a condition on numbers that a repair keeps; those that it gives are usual ones, too. */
export function hasUsualNumber(column: string): string {
  return `${column} between 1 and ${maxUsualNumber / 2}`;
}

/** Whether a row is found under its number. */
export function isOwnNumber(number: unknown): boolean {
  return Number.isSafeInteger(Number(number)) && Number(number) > 0;
}

/** The error of an insertion that got a number which is not found again, or none. */
export function sequenceError(table: NumberedTable): StoreUnavailableError {
  return new StoreUnavailableError(
    `the sequence of table ${table} was changed by another program and gives no usable number; kmipd vault accept resets it`,
  );
}

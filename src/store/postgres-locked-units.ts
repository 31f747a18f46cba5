import { setTimeout as sleep } from 'node:timers/promises';
import type { UnitOutcome } from './group-commit.ts';
import { RowsLockedError, rowsOf } from './postgres-units.ts';
import type { PostgresWriter } from './postgres-writer.ts';
import type { SqlUnit } from './sql-driver.ts';
import { type CommitResult, type LockWait, StoreUnavailableError } from './store.ts';

/** Units that need rows which other sessions of the database have locked. */

/** How long each attempt of such a unit waits for a lock. */
export const lockedUnitMilliseconds = 500;

interface WaitingUnit {
  readonly unit: SqlUnit;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: unknown) => void;
  attempts: number;
}

/**
 * Writes units that met a lock, over a connection of their own. All that wait are tried together, and those
 * that still meet a lock again with those that have come since.
 */
export class LockedUnits {
  readonly #writer: PostgresWriter;
  readonly #describeBlockers: (pid: number) => Promise<readonly string[]>;
  readonly #observe: (wait: LockWait) => void;
  readonly #maxAttempts: number;
  #waiting: WaitingUnit[] = [];
  /** Units that wait or are being tried, by the rows that they lock. */
  readonly #rows = new Map<string, number>();
  #running: Promise<void> | undefined;

  /**
   * @param writer waits `lockedUnitMilliseconds` for a lock
   * @param describeBlockers describes the sessions for which the one with that process id waits
   * @param observe is told of each unit that has met a lock twice
   * @param maxAttempts how often a unit is tried here
   */
  constructor(
    writer: PostgresWriter,
    describeBlockers: (pid: number) => Promise<readonly string[]>,
    observe: (wait: LockWait) => void,
    maxAttempts: number,
  ) {
    this.#writer = writer;
    this.#describeBlockers = describeBlockers;
    this.#observe = observe;
    this.#maxAttempts = maxAttempts;
  }

  /** Whether units wait for locks. */
  get isWaiting(): boolean {
    return this.#running !== undefined;
  }

  /** Whether a unit locks rows of a unit that waits, and would meet the same lock. */
  concerns(unit: SqlUnit): boolean {
    return this.#rows.size > 0 && rowsOf(unit).some(({ key }) => this.#rows.has(key));
  }

  /**
   * Writes a unit as soon as other sessions let it.
   *
   * @throws {StoreUnavailableError} when the lock lasts.
   */
  commit(unit: SqlUnit): Promise<CommitResult> {
    const rows = rowsOf(unit).map(({ key }) => key);
    for (const row of rows) this.#rows.set(row, (this.#rows.get(row) ?? 0) + 1);
    const { promise, resolve, reject } = Promise.withResolvers<CommitResult>();
    this.#waiting.push({ unit, resolve, reject, attempts: 0 });
    this.#running ??= this.#run();
    return promise.finally(() => {
      for (const row of rows) {
        const others = (this.#rows.get(row) ?? 1) - 1;
        if (others === 0) this.#rows.delete(row);
        else this.#rows.set(row, others);
      }
    });
  }

  /** Resolves when no unit waits any more, and closes the connection. */
  async close(): Promise<void> {
    await this.#running;
    await this.#writer.close();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const tried = this.#waiting.splice(0);
      try {
        const [outcomes, sessions] = await this.#attempt(tried.map(({ unit }) => unit));
        for (const [at, each] of tried.entries()) this.#settle(each, outcomes[at], sessions);
      } catch (error) {
        for (const { reject } of tried) reject(error);
      }
    }
    this.#running = undefined;
  }

  /** Tries units once. Resolves with the outcomes, and the sessions that were waited for. */
  async #attempt(units: readonly SqlUnit[]): Promise<[readonly UnitOutcome[], readonly string[]]> {
    const ended = new AbortController();
    // Only while the writer waits does the database say for whom.
    const blockers = sleep(lockedUnitMilliseconds / 2, undefined, { signal: ended.signal })
      .then(() => (this.#writer.pid === undefined ? [] : this.#describeBlockers(this.#writer.pid)))
      .catch((): readonly string[] => []);
    try {
      const outcomes = await this.#writer.write(units);
      if (!outcomes.some(isLocked)) return [outcomes, []];
      return [outcomes, await blockers];
    } finally {
      ended.abort();
    }
  }

  #settle(tried: WaitingUnit, outcome: UnitOutcome | undefined, sessions: readonly string[]): void {
    if (outcome === undefined)
      tried.reject(new StoreUnavailableError('the database returned no result for this unit'));
    else if (typeof outcome === 'string') tried.resolve(outcome);
    else if (!isLocked(outcome)) tried.reject(outcome.error);
    else {
      tried.attempts += 1;
      if (tried.attempts === 1) this.#observe({ rows: outcome.error.rows, sessions });
      if (tried.attempts < this.#maxAttempts) this.#waiting.push(tried);
      else tried.reject(new StoreUnavailableError(outcome.error.message));
    }
  }
}

function isLocked(outcome: UnitOutcome): outcome is { readonly error: RowsLockedError } {
  return typeof outcome !== 'string' && outcome.error instanceof RowsLockedError;
}

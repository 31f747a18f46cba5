import type { SqlUnit } from './sql-driver.ts';
import { type CommitResult, StoreUnavailableError } from './store.ts';

/** Result of one unit of a group; `error` when the database rejected a statement. */
export type UnitOutcome = CommitResult | { readonly error: Error };

interface PendingUnit {
  readonly unit: SqlUnit;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Units of one transaction; bounds how long it holds the write lock, for which other processes wait. */
const maxGroupUnits = 256;

/**
 * Group commit: units that arrive during a commit are written together by the next one, with one fsync.
 * `write` applies a group in one transaction and resolves when it is durable, with one outcome per unit; when
 * `write` rejects, every unit of the group is rejected.
 */
export class GroupCommit {
  readonly #write: (units: readonly SqlUnit[]) => Promise<readonly UnitOutcome[]>;
  #pending: PendingUnit[] = [];
  #running: Promise<void> | undefined;
  #closed = false;
  #units = 0;
  #transactions = 0;

  constructor(write: (units: readonly SqlUnit[]) => Promise<readonly UnitOutcome[]>) {
    this.#write = write;
  }

  /** Units and transactions since the start. */
  get counts() {
    return { units: this.#units, transactions: this.#transactions };
  }

  /**
   * Resolves when the unit is durable or has failed.
   *
   * @throws {StoreUnavailableError} when the store is closed or `write` rejects.
   */
  commit(unit: SqlUnit): Promise<CommitResult> {
    if (this.#closed) return Promise.reject(new StoreUnavailableError('the store is closed'));
    return new Promise((resolve, reject) => {
      this.#pending.push({ unit, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Refuses new units and resolves when the pending ones are settled. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    // Units of the same event loop turn form one group. Waiting longer would only leave the writer idle:
    // units that arrive during a commit form the next group.
    await undefined;
    while (this.#pending.length > 0) {
      const group = this.#pending.splice(0, maxGroupUnits);
      this.#units += group.length;
      this.#transactions += 1;
      try {
        settleGroup(group, await this.#write(group.map(({ unit }) => unit)));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#running = undefined;
  }
}

function settleGroup(group: readonly PendingUnit[], outcomes: readonly UnitOutcome[]): void {
  for (const [at, { resolve, reject }] of group.entries()) {
    const outcome = outcomes[at];
    if (outcome === undefined)
      reject(new StoreUnavailableError('the database returned no result for this unit'));
    else if (typeof outcome === 'string') resolve(outcome);
    else reject(outcome.error);
  }
}

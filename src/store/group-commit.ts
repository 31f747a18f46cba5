import type { SqlUnit } from './sql-driver.ts';
import { type CommitResult, StoreUnavailableError } from './store.ts';

/** What became of one unit of a group; `error` for a statement the database refused. */
export type UnitOutcome = CommitResult | { readonly error: Error };

interface PendingUnit {
  readonly unit: SqlUnit;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Bounds how long one transaction holds the write lock, which other processes wait for. */
const maxGroupUnits = 256;

/**
 * Gathers the units that arrive while a commit is in flight and sends them together in the next one: many answers for
 * one fsync. `write` applies a group in one transaction and resolves after it is durable, one outcome per unit; when it
 * rejects, nobody in the group is acknowledged.
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

  get counts() {
    return { units: this.#units, transactions: this.#transactions };
  }

  commit(unit: SqlUnit): Promise<CommitResult> {
    if (this.#closed) return Promise.reject(new StoreUnavailableError('the store is closed'));
    return new Promise((resolve, reject) => {
      this.#pending.push({ unit, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Refuses new units and resolves when the ones already taken are answered. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    // Units handed over in the same turn go together. Waiting longer would only leave the writer idle: what arrives
    // while it works makes the next group.
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
    if (outcome === undefined) reject(new StoreUnavailableError('the database did not answer for this unit'));
    else if (typeof outcome === 'string') resolve(outcome);
    else reject(outcome.error);
  }
}

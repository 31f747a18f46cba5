import type { Store } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
import { ChangedMeanwhileError } from './changed-meanwhile.ts';
import { maxConflictRetries } from './conflict-retry.ts';
import { UnitOfWork } from './unit-of-work.ts';

/** Units of work of an operator: of no client, and at the time of the clock. */
export class OperatorUnits {
  readonly #store: Store;
  readonly #vault: Vault;
  readonly #uniqueNames: boolean;

  /** `uniqueNames`: a Name that another object of the group has prevents the commit. */
  constructor(store: Store, vault: Vault, { uniqueNames = false } = {}) {
    this.#store = store;
    this.#vault = vault;
    this.#uniqueNames = uniqueNames;
  }

  begin(): UnitOfWork {
    const now = Math.floor(Date.now() / 1000);
    return new UnitOfWork(this.#store, this.#vault, { uniqueNames: this.#uniqueNames, now });
  }

  /**
   * Commits what `work` writes, in a new unit whenever another process has changed what the unit had read.
   * Resolves to what `work` returned of the unit that was committed, and rejects as it does.
   * @param what is said to have changed, as by `ChangedMeanwhileError`
   * @throws {ChangedMeanwhileError} when others never let it commit
   */
  async change<T>(what: string, work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    for (let attempt = 0; attempt <= maxConflictRetries; attempt += 1) {
      const unit = this.begin();
      const result = await work(unit);
      if ((await unit.commit()) === 'committed') return result;
    }
    throw new ChangedMeanwhileError(what);
  }
}

import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { OperatorUnits } from './unit-of-work/operator-units.ts';
import { type Quota, quotaKind, readQuota, writeQuota } from './unit-of-work/quotas.ts';

/** Far more groups than an operator gives quotas one by one. */
const maxQuotas = 10_000;

/** A quota with what it is compared with. */
export interface ListedQuota extends Quota {
  readonly group: string;
  /** The objects of the group that are not destroyed. */
  readonly used: number;
}

/**
 * The quotas of groups, as records in the store. Uncached: a change applies to the next message of every
 * node. Methods reject with SealBrokenError when a record was altered, put back or deleted.
 */
export class QuotaDirectory {
  readonly #store: Store;
  readonly #units: OperatorUnits;

  constructor(store: Store, vault: Vault) {
    this.#store = store;
    this.#units = new OperatorUnits(store, vault);
  }

  /**
   * Sets how many objects a group may have, in the place of the quota that it had. Resolves to whether it had
   * one.
   * @throws {ChangedMeanwhileError} when others never let it commit
   */
  set(group: string, objects: number): Promise<boolean> {
    return this.#units.change('the quota of the group was', async (unit) => {
      const previous = await unit.record(quotaKind, group);
      unit.putRecord(quotaKind, group, group, writeQuota({ objects, setAt: unit.now }));
      return previous !== undefined;
    });
  }

  /** Removes the quota of a group; false when it had none. */
  remove(group: string): Promise<boolean> {
    return this.#units.change('the quota of the group was', async (unit) => {
      if ((await unit.record(quotaKind, group)) === undefined) return false;
      unit.removeRecord(quotaKind, group);
      return true;
    });
  }

  /** Returns the quota of a group; undefined when it has none. */
  async find(group: string): Promise<ListedQuota | undefined> {
    const record = await this.#units.begin().record(quotaKind, group);
    return record && this.#toListed(group, record.content);
  }

  /** Returns all quotas, in the order in which groups first got them; the objects are counted anew. */
  async list(): Promise<readonly ListedQuota[]> {
    const records = await this.#units.begin().everyRecord(quotaKind, maxQuotas + 1, 'refuse');
    if (records.length > maxQuotas) throw new RangeError(`there are more than ${maxQuotas} quotas`);
    const listed: ListedQuota[] = [];
    for (const { id, content } of records) listed.push(await this.#toListed(id, content));
    return listed;
  }

  /** Counts the objects of a group that are not destroyed. */
  async count(group: string): Promise<number> {
    return (await this.#store.count({ group, after: 0, limit: Number.MAX_SAFE_INTEGER })).objects;
  }

  async #toListed(group: string, content: Uint8Array): Promise<ListedQuota> {
    return { group, ...readQuota(content), used: await this.count(group) };
  }
}

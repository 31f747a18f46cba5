import {
  type Administrator,
  type AdministratorList,
  administratorKind,
  administratorListKind,
  readAdministrator,
  readAdministratorList,
  wipeAdministrator,
  writeAdministrator,
  writeAdministratorList,
} from '../../identity/administrator.ts';
import type { Store } from '../../store/store.ts';
import { SealBrokenError, type Vault } from '../../vault/vault.ts';
import { OperatorUnits } from '../unit-of-work/operator-units.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';

/** Id of the one record of the list. */
const listId = 'all';

/** Every change reads all of them. */
export const maxAdministrators = 100;

const noAdministrators: AdministratorList = { revisions: {}, changes: 0, latestLogin: 0 };

/** What becomes of an administrator: another version of its record, or its removal; undefined: nothing. */
export type AdministratorChange = Administrator | 'removed' | undefined;

/**
 * The administrators, as records in the store. Uncached: a change applies at once. Methods reject with
 * SealBrokenError when a row that they need was altered, put back alone, or deleted, with
 * VaultUnavailableError while the vault is sealed, and with StoreUnavailableError when the database does not
 * answer.
 */
export class AdministratorDirectory {
  readonly #units: OperatorUnits;

  constructor(store: Store, vault: Vault) {
    this.#units = new OperatorUnits(store, vault);
  }

  /** Returns an administrator, whose secret the caller overwrites; undefined when there is none. */
  async find(name: string): Promise<Administrator | undefined> {
    const unit = this.#units.begin();
    return loadListed(unit, await loadList(unit), name);
  }

  /** Returns all, sorted by name, without the secrets of one-time passwords, which are zeros. */
  async list(): Promise<readonly Administrator[]> {
    const unit = this.#units.begin();
    const all = await loadAll(unit, await loadList(unit));
    all.forEach(wipeAdministrator);
    return all;
  }

  /** The latest time of a login: POSIX seconds. */
  async latestLogin(): Promise<number> {
    return (await loadList(this.#units.begin())).latestLogin;
  }

  /**
   * Writes what `decide` returns of one administrator, in a new unit whenever another process has changed one
   * that was read. `decide` gets it, if it exists, and all others; their secrets are overwritten afterwards.
   * Rejects as `decide` throws.
   * @param latestLogin of a login: POSIX seconds
   * @throws {ChangedMeanwhileError} when others never let it commit.
   */
  async change(
    name: string,
    decide: (found: Administrator | undefined, others: readonly Administrator[]) => AdministratorChange,
    latestLogin = 0,
  ): Promise<void> {
    await this.#units.change('the administrators were', async (unit) => {
      const list = await loadList(unit);
      // Also of a name that is not listed: that there is no row must be so at the commit.
      const found = await loadListed(unit, list, name);
      const others = await loadAll(unit, list, name);
      try {
        const change = decide(found, others);
        if (change !== undefined) putChange(unit, list, name, change, latestLogin);
      } finally {
        others.forEach(wipeAdministrator);
        if (found !== undefined) wipeAdministrator(found);
      }
    });
  }
}

async function loadList(unit: UnitOfWork): Promise<AdministratorList> {
  const record = await unit.record(administratorListKind, listId);
  return record === undefined ? noAdministrators : readAdministratorList(record.content);
}

async function loadAll(unit: UnitOfWork, list: AdministratorList, except?: string): Promise<Administrator[]> {
  const all: Administrator[] = [];
  for (const name of Object.keys(list.revisions).toSorted()) {
    if (name === except) continue;
    const found = await loadListed(unit, list, name);
    if (found !== undefined) all.push(found);
  }
  return all;
}

/** @throws {SealBrokenError} when the record and the list do not belong together */
async function loadListed(
  unit: UnitOfWork,
  { revisions }: AdministratorList,
  name: string,
): Promise<Administrator | undefined> {
  const revision = Object.hasOwn(revisions, name) ? revisions[name] : undefined;
  const record = await unit.record(administratorKind, name);
  const found = record && readAdministrator(record.content);
  record?.content.fill(0);
  if (found?.revision === revision) return found;
  if (found !== undefined) wipeAdministrator(found);
  throw new SealBrokenError(
    `the row of sealed_record "${administratorKind} ${name}" is missing, or another version than that of the list`,
  );
}

function putChange(
  unit: UnitOfWork,
  { revisions, changes, latestLogin: before }: AdministratorList,
  name: string,
  change: Exclude<AdministratorChange, undefined>,
  latestLogin: number,
): void {
  const { [name]: _, ...others } = revisions;
  // Never one that a former administrator of the name had.
  const revision = changes + 1;
  if (change === 'removed') unit.removeRecord(administratorKind, name);
  else {
    const content = writeAdministrator({ ...change, revision });
    // The unit keeps a copy, and overwrites that at the commit.
    unit.putRecord(administratorKind, name, '', content);
    content.fill(0);
  }
  const list: AdministratorList = {
    revisions: change === 'removed' ? others : { ...others, [name]: revision },
    changes: revision,
    latestLogin: Math.max(before, latestLogin),
  };
  unit.putRecord(administratorListKind, listId, '', writeAdministratorList(list));
}

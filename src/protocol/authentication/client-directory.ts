import {
  type ClientEntry,
  clientCertificateKind,
  clientKind,
  clientOf,
  readClientEntry,
} from '../../identity/client-entry.ts';
import { noCredentials, unused } from '../../identity/credentials.ts';
import { type Client, type ClientDirectory, type NewClient, omitForged } from '../../identity/principal.ts';
import type { Store } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
import { ChangedMeanwhileError } from '../unit-of-work/changed-meanwhile.ts';
import {
  loadCertifiedEntry,
  loadClientEntry,
  putCertificate,
  putClientEntry,
} from '../unit-of-work/client-entries.ts';
import { maxConflictRetries } from '../unit-of-work/conflict-retry.ts';
import { UnitOfWork } from '../unit-of-work/unit-of-work.ts';

/** Far more clients than one server has connections for. */
const maxClients = 100_000;

/** The enrolled clients, as records in the store. Uncached: a removal applies at once. */
export class StoredClients implements ClientDirectory {
  readonly #store: Store;
  readonly #vault: Vault;

  constructor(store: Store, vault: Vault) {
    this.#store = store;
    this.#vault = vault;
  }

  async byFingerprint(fingerprint: string): Promise<Client | undefined> {
    const entry = await loadCertifiedEntry(this.#unit(), fingerprint);
    return entry && clientOf(entry);
  }

  async byName(name: string): Promise<Client | undefined> {
    const entry = await loadClientEntry(this.#unit(), name);
    return entry && clientOf(entry);
  }

  /** @throws {RangeError} when there are more clients than a directory is for. */
  async list(altered: 'omit' | 'refuse' = 'omit'): Promise<readonly Client[]> {
    const records = await this.#unit().everyRecord(clientKind, maxClients + 1, altered);
    if (records.length > maxClients) throw new RangeError(`there are more than ${maxClients} clients`);
    return records
      .map(({ content }) => clientOf(readClientEntry(content)))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  add(client: NewClient): Promise<boolean> {
    return this.#change(async (unit) => {
      if ((await loadClientEntry(unit, client.name)) !== undefined) return false;
      if ((await loadCertifiedEntry(unit, client.fingerprint)) !== undefined) return false;
      const entry: ClientEntry = { ...client, credentials: noCredentials, use: unused };
      putClientEntry(unit, entry);
      putCertificate(unit, entry);
      return true;
    });
  }

  setDisabled(name: string, disabled: boolean): Promise<boolean> {
    return this.#change(async (unit) => {
      const entry = await loadClientEntry(unit, name);
      if (entry === undefined) return false;
      putClientEntry(unit, { ...entry, disabled });
      return true;
    });
  }

  remove(name: string): Promise<boolean> {
    return this.#change(async (unit) => {
      const entry = await loadClientEntry(unit, name);
      if (entry === undefined) return false;
      unit.removeRecord(clientKind, name);
      const { fingerprint } = entry;
      const certified = await omitForged(loadCertifiedEntry(unit, fingerprint));
      if (certified?.name === name) unit.removeRecord(clientCertificateKind, fingerprint);
      return true;
    });
  }

  /**
   * Commits what `work` writes, in a new unit whenever another process has changed what the unit had read;
   * false when `work` returns false.
   * @throws {ChangedMeanwhileError} when others never let it commit.
   */
  async #change(work: (unit: UnitOfWork) => Promise<boolean>): Promise<boolean> {
    for (let attempt = 0; attempt <= maxConflictRetries; attempt++) {
      const unit = this.#unit();
      if (!(await work(unit))) return false;
      if ((await unit.commit()) === 'committed') return true;
    }
    throw new ChangedMeanwhileError('the client is');
  }

  #unit(): UnitOfWork {
    const now = Math.floor(Date.now() / 1000);
    return new UnitOfWork(this.#store, this.#vault, { uniqueNames: false, now });
  }
}

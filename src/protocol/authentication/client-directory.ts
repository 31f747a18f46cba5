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
import {
  loadCertifiedEntry,
  loadClientEntry,
  putCertificate,
  putClientEntry,
} from '../unit-of-work/client-entries.ts';
import { OperatorUnits } from '../unit-of-work/operator-units.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';

/** Far more clients than one server has connections for. */
const maxClients = 100_000;

/** The enrolled clients, as records in the store. Uncached: a removal applies at once. */
export class StoredClients implements ClientDirectory {
  readonly #units: OperatorUnits;

  constructor(store: Store, vault: Vault) {
    this.#units = new OperatorUnits(store, vault);
  }

  async byFingerprint(fingerprint: string): Promise<Client | undefined> {
    const entry = await loadCertifiedEntry(this.#units.begin(), fingerprint);
    return entry && clientOf(entry);
  }

  async byName(name: string): Promise<Client | undefined> {
    const entry = await loadClientEntry(this.#units.begin(), name);
    return entry && clientOf(entry);
  }

  /** @throws {RangeError} when there are more clients than a directory is for. */
  async list(altered: 'omit' | 'refuse' = 'omit'): Promise<readonly Client[]> {
    const records = await this.#units.begin().everyRecord(clientKind, maxClients + 1, altered);
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

  #change(work: (unit: UnitOfWork) => Promise<boolean>): Promise<boolean> {
    return this.#units.change('the client is', work);
  }
}

import type { ClientEntry } from '../../identity/client-entry.ts';
import { type ClientCredentials, noCredentials, unused } from '../../identity/credentials.ts';
import type { Store } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
import { ChangedMeanwhileError } from '../unit-of-work/changed-meanwhile.ts';
import { loadClientEntry, putClientEntry } from '../unit-of-work/client-entries.ts';
import { UnitOfWork } from '../unit-of-work/unit-of-work.ts';

/** Reads and writes the credentials of clients for the operator's commands. */
export class CredentialDirectory {
  readonly #unit: UnitOfWork;

  /** To be made for each command: `set` fails when another process has changed what `of` had read. */
  constructor(store: Store, vault: Vault) {
    const now = Math.floor(Date.now() / 1000);
    this.#unit = new UnitOfWork(store, vault, { uniqueNames: false, now });
  }

  /** Returns the client's credentials, and those that are used up. */
  async of(client: string): Promise<Pick<ClientEntry, 'credentials' | 'use'>> {
    const entry = await loadClientEntry(this.#unit, client);
    return { credentials: entry?.credentials ?? noCredentials, use: entry?.use ?? unused };
  }

  /**
   * Replaces the credentials that `of` has returned. Rejects when another process has changed the client, or
   * the client has used its credentials meanwhile. What was used up stays so, within the bounds of
   * `boundedUse`: a credential that is removed and given again is not valid a second time.
   */
  async set(client: string, credentials: ClientCredentials): Promise<void> {
    const entry = await loadClientEntry(this.#unit, client);
    if (entry !== undefined) putClientEntry(this.#unit, { ...entry, credentials });
    if (entry === undefined || (await this.#unit.commit()) !== 'committed')
      throw new ChangedMeanwhileError('the client or the use of its credentials was');
  }
}

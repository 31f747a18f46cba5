import {
  type ClientCredentials,
  type CredentialUse,
  credentialKind,
  credentialUseKind,
  noCredentials,
  readCredentials,
  readUse,
  writeCredentials,
} from '../../identity/credentials.ts';
import type { Store } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
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
  async of(client: string): Promise<{ credentials: ClientCredentials; use: CredentialUse }> {
    const found = await this.#unit.record(credentialKind, client);
    const use = await this.#unit.record(credentialUseKind, client);
    return {
      credentials: found === undefined ? noCredentials : readCredentials(found.content),
      use: readUse(use?.content),
    };
  }

  /**
   * Replaces the credentials that `of` has returned. Rejects when another process has changed or used them
   * meanwhile.
   */
  async set(client: string, group: string, credentials: ClientCredentials): Promise<void> {
    if (credentials.users.length + credentials.devices.length > 0)
      this.#unit.putRecord(credentialKind, client, group, writeCredentials(credentials));
    else this.#unit.removeRecord(credentialKind, client);
    if ((await this.#unit.commit()) !== 'committed')
      throw new Error('the credentials were changed or used at the same time; try again');
  }
}

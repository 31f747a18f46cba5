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
import { deleteRecord } from '../unit-of-work/unit-records.ts';

/** The credentials of clients, as the operator reads and writes them. */
export class CredentialDirectory {
  readonly #unit: UnitOfWork;

  /** One for each command: what it has read must be as it was when it writes. */
  constructor(store: Store, vault: Vault) {
    const now = Math.floor(Date.now() / 1000);
    this.#unit = new UnitOfWork(store, vault, { uniqueNames: false, now });
  }

  async of(client: string): Promise<{ credentials: ClientCredentials; use: CredentialUse }> {
    const found = await this.#unit.record(credentialKind, client);
    const use = await this.#unit.record(credentialUseKind, client);
    return {
      credentials: found === undefined ? noCredentials : readCredentials(found.content),
      use: readUse(use?.content),
    };
  }

  /** Replaces what `of` has given. Rejects when somebody else has changed it meanwhile. */
  async set(client: string, group: string, credentials: ClientCredentials): Promise<void> {
    if (credentials.users.length + credentials.devices.length > 0)
      this.#unit.putRecord(credentialKind, client, group, writeCredentials(credentials));
    else this.#unit.removeRecord(credentialKind, client);
    if ((await this.#unit.commit()) !== 'committed')
      throw new Error('the credentials were changed or used at the same time; try again');
  }
}

/**
 * Forgets the credentials of a client that is gone: another one may come to bear its name. Needs no vault.
 */
export async function deleteCredentials(store: Store, client: string): Promise<void> {
  for (const kind of [credentialKind, credentialUseKind]) await deleteRecord(store, kind, client);
}

import { newestVersion, type Version, versions } from '../../../codec/version.ts';
import { readJson, writeJson } from '../../common/json.ts';
import { type ClientDirectory, omitForged } from '../../identity/principal.ts';
import type { Store } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
import { ChangedMeanwhileError } from '../unit-of-work/changed-meanwhile.ts';
import { OperatorUnits } from '../unit-of-work/operator-units.ts';

/** The operator's settings for requests of the server to one client. */
export interface EndpointSettings {
  /** Whether new and replaced objects may be sent to the client, keys included. */
  readonly put: boolean;
  /**
   * Address at which the client waits for the server; absent: the client has to connect and exchange the
   * roles.
   */
  readonly to?: { readonly host: string; readonly port: number } | undefined;
  /** Newest version on a connection that the server opens. */
  readonly version?: Version | undefined;
}

/** A client to which the server connects. A target with other values in any field is another target. */
export interface EndpointTarget {
  readonly client: string;
  readonly group: string;
  readonly role: string;
  readonly fingerprint: string;
  readonly host: string;
  readonly port: number;
  /** Version of the first request; no newer one is agreed upon. */
  readonly version: Version;
}

/** Kind of the records of these settings; the id is the client's name. */
export const endpointKind = 'endpoint';
const maxClients = 10_000;

/** The settings of client endpoints, as records in the store. */
export class EndpointDirectory {
  readonly #units: OperatorUnits;

  constructor(store: Store, vault: Vault) {
    this.#units = new OperatorUnits(store, vault);
  }

  /** Returns the settings of a client; undefined when it has none. */
  async of(client: string): Promise<EndpointSettings | undefined> {
    const record = await this.#units.begin().record(endpointKind, client);
    return record && decode(record.content);
  }

  /** Returns the settings of all clients that have any. */
  async list(): Promise<readonly (EndpointSettings & { readonly client: string })[]> {
    const records = await this.#units.begin().everyRecord(endpointKind, maxClients);
    return records.map(({ id: client, content }) => ({ client, ...decode(content) }));
  }

  /** Returns the enrolled clients to which the server connects. */
  async targets(clients: ClientDirectory): Promise<readonly EndpointTarget[]> {
    const targets: EndpointTarget[] = [];
    for (const { client, to, version = newestVersion } of await this.list()) {
      const enrolled = to && (await omitForged(clients.byName(client)));
      if (!enrolled || enrolled.disabled) continue;
      const { group, role, fingerprint } = enrolled;
      targets.push({ client, group, role, fingerprint, host: to.host, port: to.port, version });
    }
    return targets;
  }

  /**
   * Replaces the settings of a client; undefined deletes them. Rejects when another process changed them at
   * the same time.
   */
  async set(client: string, group: string, settings: EndpointSettings | undefined): Promise<void> {
    const unit = this.#units.begin();
    const known = await unit.record(endpointKind, client);
    if (settings !== undefined) unit.putRecord(endpointKind, client, group, writeJson(settings));
    else if (known !== undefined) unit.removeRecord(endpointKind, client);
    if ((await unit.commit()) !== 'committed') throw new ChangedMeanwhileError('the settings were');
  }
}

function decode(content: Uint8Array): EndpointSettings {
  const { put, to, version } = readJson<EndpointSettings>(content);
  return { put, to, version: versions.find((each) => each === version) };
}

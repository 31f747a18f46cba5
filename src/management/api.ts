import type { CryptoProvider } from '../crypto/provider.ts';
import type { TokenDevice, TokenKeyReference } from '../crypto/token-device.ts';
import type { DeviceFields } from '../identity/credentials.ts';
import type { HashedPasswordVerifier, PasswordVerifier } from '../identity/passwords.ts';
import type { RoleDescription } from '../identity/policy.ts';
import type { ClientDirectory } from '../identity/principal.ts';
import type { EndpointSettings } from '../protocol/endpoints/endpoint-settings.ts';
import type { ExplanationQuery, ExplanationStep } from '../protocol/explanation.ts';
import type { ValuePlaces } from '../protocol/misplaced-values.ts';
import type { PurgedDatabase } from '../protocol/purge.ts';
import type { IssuerSummary, RevocationList } from '../protocol/revocation-lists.ts';
import type { RewrappedPage } from '../protocol/rewrap.ts';
import type { JobToRun } from '../protocol/service.ts';
import type { ListedTokenKey, TokenKeyPage } from '../protocol/token-key-list.ts';
import type { SealedRowList } from '../store/sealed-rows/sealed-row-list.ts';
import type { NumberedTable, Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import type { UnsealProgress, VaultStatus } from '../vault/vault-status.ts';
import type { AdministratorApi } from './administrator-api.ts';
import type { ApprovalApi, ApprovalRule } from './approval-api.ts';
import type { Caller } from './caller.ts';
import type { GrantApi } from './grant-api.ts';
import type { AuditApi, ManagedAudit } from './managed-audit.ts';
import type { ManagedNodes, NodeSummary } from './managed-nodes.ts';
import type { ManagedRoots } from './managed-roots.ts';
import type { ManagedVault, Retirement, VerifiedRows } from './managed-vault.ts';
import type { ObjectApi } from './object-api.ts';
import type { QuotaApi } from './quota-api.ts';

/** The methods of the management service, with their parameters and results, which are plain JSON. */

/** What the methods work with. */
export interface ManagementBackends {
  readonly store: Store;
  /** Unsealed. */
  readonly vault: Vault;
  readonly sealedRows: SealedRowList;
  /** The same vault, sealed or not. */
  readonly control: ManagedVault;
  readonly roots: ManagedRoots;
  readonly clients: ClientDirectory;
  /** The roles in force. */
  readonly roles: () => readonly RoleDescription[];
  readonly approval: ApprovalRule;
  /** Whether only one object of a group may have a Name. */
  readonly uniqueNames: boolean;
  readonly nodes: ManagedNodes;
  readonly audit: ManagedAudit;
  readonly tokens: ManagedTokens;
  /** The token in which keys of clients are made; absent where none is configured. */
  readonly keyDevice?: TokenDevice | undefined;
  /** See `PurgedDatabase.list`. */
  readonly listObjects: PurgedDatabase['list'];
  /** Verifies all rows as they are at one moment; see `verifyDatabase`. */
  readonly verify: () => Promise<VerifiedRows>;
  /** Loads the cryptography, which few methods need. */
  readonly crypto: () => Promise<CryptoProvider>;
  /** Resolves once nothing of a removed client is at work in this process, or after a time; never rejects. */
  readonly ended?: (client: string) => Promise<void>;
  /** Queues an approved job; this and `ended` are absent where no clients are served. */
  readonly runJob?: (job: JobToRun) => void;
}

/** What operators see of a token that has a root, or keys of clients. */
export interface ManagedToken {
  readonly uri: string;
  /** `idle`: it was up, and kmipd has logged out; `refused`: no login is tried until an operator asks. */
  readonly state: 'up' | 'idle' | 'down' | 'refused';
  /** One line; empty when nothing is wrong. */
  readonly reason: string;
  /** POSIX seconds of the change of the state. */
  readonly since: number;
}

/** The tokens that have roots of the vault, and that of keys. */
export interface ManagedTokens {
  list(): readonly ManagedToken[];
  /** Tries one login at each that is not up, although its last one was refused; rejects when one fails. */
  logIn(): Promise<void>;
}

/** A vault, with the tokens of its roots, and the nodes of its database as far as it is unsealed. */
export interface ManagedVaultStatus extends VaultStatus {
  readonly tokens: readonly ManagedToken[];
  readonly nodes: readonly NodeSummary[];
}

/** A client as lists show it. */
export interface ClientSummary {
  readonly name: string;
  readonly group: string;
  readonly role: string;
  readonly disabled: boolean;
  /** When it was enrolled, and when its certificate ends: POSIX seconds. */
  readonly enrolledAt: number;
  readonly notAfter: number;
  /** As `Client.fingerprint`. */
  readonly fingerprint: string;
}

/** A client with its certificate, as `Client.certificate`. */
export interface ClientDetails extends ClientSummary {
  readonly certificate: string;
}

/** What identifies credentials: a username, the fields of a device, or all of them. */
export interface CredentialChoice {
  readonly username?: string | undefined;
  readonly fields?: DeviceFields | undefined;
  readonly all?: boolean | undefined;
}

/** The credentials of a client, without anything by which one could be guessed. */
export interface CredentialList {
  readonly users: readonly {
    readonly username: string;
    readonly hasPassword: boolean;
    /** Whether Hashed Password is accepted. */
    readonly isHashed: boolean;
    /** One-time passwords that were given out, and those of them that have not been used. */
    readonly oneTime: number;
    readonly unused: number;
  }[];
  readonly devices: readonly { readonly fields: DeviceFields; readonly hasPassword: boolean }[];
}

/** What the addition of a credential has changed. */
export interface CredentialAdded {
  /** Whether it took the place of an older one. */
  readonly isReplaced: boolean;
  /** Whether the client had no credential before. */
  readonly isFirst: boolean;
}

/** The daemon that serves the socket. */
export interface ServiceDescription {
  /** Its process id. */
  readonly process: number;
  /** Identity of its database, see `storeIdentityOf`. */
  readonly store: string;
}

interface Method<Params, Result> {
  readonly params: Params;
  readonly result: Result;
}
type Empty = Readonly<Record<never, never>>;
interface Named {
  readonly name: string;
}
interface OfClient {
  readonly client: string;
}
interface OneTimePasswords extends OfClient {
  readonly username: string;
  /** Fingerprints of the passwords. */
  readonly codes: readonly string[];
}

export interface ManagementApi
  extends AdministratorApi,
    ApprovalApi,
    AuditApi,
    GrantApi,
    ObjectApi,
    QuotaApi {
  'client.list': Method<Empty, readonly ClientSummary[]>;
  /** The client of a name or, if that is left out, of a fingerprint; null when there is none. */
  'client.find': Method<
    { readonly name?: string | undefined; readonly fingerprint?: string | undefined },
    ClientDetails | null
  >;
  'client.show': Method<Named, ClientDetails>;
  /** Enrols a client by its certificate (PEM), which its chain may follow. */
  'client.add': Method<
    Named & { readonly group: string; readonly role: string; readonly certificate: string },
    Empty
  >;
  'client.setDisabled': Method<Named & { readonly disabled: boolean }, { readonly isChanged: boolean }>;
  /** Removes a client with all records of it; the result is the group of its objects, which stay. */
  'client.remove': Method<Named, { readonly group: string }>;
  'client.endpoint': Method<Named, EndpointSettings | null>;
  'client.setEndpoint': Method<Named & { readonly settings: EndpointSettings | null }, Empty>;

  'credential.list': Method<OfClient, CredentialList>;
  'credential.addPassword': Method<
    OfClient & {
      readonly username: string;
      readonly password: PasswordVerifier;
      readonly hashed?: HashedPasswordVerifier | undefined;
    },
    CredentialAdded
  >;
  'credential.addDevice': Method<
    OfClient & { readonly fields: DeviceFields; readonly password?: PasswordVerifier | undefined },
    CredentialAdded
  >;
  'credential.addOneTimePasswords': Method<OneTimePasswords, CredentialAdded>;
  /** Refuses what `credential.addOneTimePasswords` would refuse, and stores nothing. */
  'credential.checkOneTimePasswords': Method<OneTimePasswords, CredentialAdded>;
  'credential.remove': Method<
    OfClient & CredentialChoice,
    { readonly removed: number; readonly left: number }
  >;

  /** As `explain`. */
  'policy.explain': Method<ExplanationQuery, readonly ExplanationStep[]>;

  'node.list': Method<Empty, readonly NodeSummary[]>;
  /**
   * Folds the lanes of another node if it still has made so many commits; without the number, removes
   * nothing. The result is the node as it was.
   */
  'node.remove': Method<Named & { readonly commits?: number | undefined }, NodeSummary>;
  /** As `ManagedNodes.renew`. */
  'node.renew': Method<Empty, { readonly isRenewed: boolean }>;

  'vault.status': Method<Empty, ManagedVaultStatus>;
  /** The key for which `encryptSecret` encrypts what this process receives. */
  'vault.receiver': Method<Empty, { readonly publicKey: string }>;
  /** Gives a share or a passphrase, encrypted for that key. The result says why the vault is still sealed. */
  'vault.unseal': Method<
    { readonly input: string },
    UnsealProgress & { readonly sealedBecause: string | null }
  >;
  /** As `ManagedRoots.prepare`. */
  'vault.prepareRoot': Method<
    { readonly uri: string | null; readonly isMade: boolean; readonly publicKey: string | null },
    { readonly shares: readonly string[] }
  >;
  /** How values are sealed; reads the whole table of objects. */
  'vault.values': Method<Empty, ValuePlaces>;
  /** As `ManagedRoots.add`. */
  'vault.addRoot': Method<{ readonly uri: string; readonly mayBeLive: boolean }, { readonly id: string }>;
  'vault.keepRoot': Method<{ readonly id: string }, Empty>;
  /** As `ManagedTokens.logIn`. The result says why the vault is still sealed. */
  'vault.tokenLogin': Method<Empty, { readonly sealedBecause: string | null }>;
  /** Begins a seal epoch; with `renewsSecrets`, replaces all secrets of the keyring for what is written. */
  'vault.rotate': Method<{ readonly renewsSecrets: boolean }, { readonly epoch: number }>;
  /** Seals the rows of one page anew, or counts them, that are of an epoch before the one in use. */
  'vault.rewrap': Method<
    { readonly table: NumberedTable; readonly after: number; readonly dryRun: boolean },
    RewrappedPage & { /** The highest number of a row. */ readonly highest: number }
  >;
  /** Ends the epochs below one, after a verification of all rows; see `retireEpochs`. */
  'vault.retire': Method<{ readonly epoch: number }, Retirement>;

  'tokenKey.list': Method<Empty, readonly ListedTokenKey[]>;
  /** The objects of one page whose keys are in a token. */
  'tokenKey.objects': Method<{ readonly after: number }, TokenKeyPage>;
  /** Removes a key that is an hour old, of no object and no record; refused while objects are hidden. */
  'tokenKey.remove': Method<TokenKeyReference, Empty>;

  'crl.issuers': Method<Empty, readonly IssuerSummary[]>;
  /** Makes a list that is valid for so many seconds; `der` in Base64. */
  'crl.make': Method<
    { readonly issuer: string; readonly seconds: number },
    Omit<RevocationList, 'der'> & { readonly der: string }
  >;
  /** Revokes the certificate of a serial number in hexadecimal; the result is its subject. */
  'crl.revoke': Method<{ readonly issuer: string; readonly serial: string }, { readonly subject: string }>;
}

export type MethodName = keyof ManagementApi;
export type ParamsOf<M extends MethodName> = ManagementApi[M]['params'];
export type ResultOf<M extends MethodName> = ManagementApi[M]['result'];

/** Calls a method, in this process or another one. */
export type ManagementCall = <M extends MethodName>(method: M, params: ParamsOf<M>) => Promise<ResultOf<M>>;

/** Runs a method for a caller that was recognised, see `callMethod`. */
export type MethodCall = <M extends MethodName>(
  backends: ManagementBackends,
  caller: Caller,
  method: M,
  params: ParamsOf<M>,
) => Promise<ResultOf<M>>;

/** The functions of the methods whose names begin with a word and a dot. */
export type MethodsOf<Family extends string> = {
  readonly [M in MethodName as M extends `${Family}.${string}` ? M : never]: (
    backends: ManagementBackends,
    params: ParamsOf<M>,
    caller: Caller,
  ) => Promise<ResultOf<M>>;
};

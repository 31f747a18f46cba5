import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { createAuthority, issueClient } from '../../../certs/issue.ts';
import { generateKey } from '../../../certs/keys.ts';
import { Secret } from '../../../src/common/secret.ts';
import { encryptSecret } from '../../../src/common/secret-transfer.ts';
import type { AdministratorRole } from '../../../src/identity/administrator.ts';
import { type PasswordVerifier, passwordVerifier } from '../../../src/identity/passwords.ts';
import { totpCode, totpSecretBytes, totpStepSeconds } from '../../../src/identity/totp.ts';
import type {
  ManagementBackends,
  ManagementCall,
  MethodName,
  ParamsOf,
  ResultOf,
} from '../../../src/management/api.ts';
import { AdministratorAuthenticator } from '../../../src/management/authenticator.ts';
import type { CallOutcome } from '../../../src/management/call-observer.ts';
import type { Caller } from '../../../src/management/caller.ts';
import { ApprovalPendingError } from '../../../src/management/errors.ts';
import {
  logInAdministrator,
  type RequestSender,
  type RequestSigner,
  type ShownCredential,
} from '../../../src/management/login.ts';
import type { SentRequest } from '../../../src/management/params.ts';
import { secretReceiver } from '../../../src/management/secret-receiver.ts';
import { ManagementSession } from '../../../src/management/session.ts';
import type { RecordQuery, Store, StoredRecord } from '../../../src/store/store.ts';
import { MemoryStore } from '../../memory-store.ts';
import { PlainVault } from '../../plain-vault.ts';

/** A call as it was observed. */
export interface ObservedCall {
  readonly caller: Caller;
  readonly method: string;
  readonly params: unknown;
  readonly outcome: CallOutcome;
}

export const storeName = 'sqlite:/test 1';
export const password = 'correct horse battery';
let verifier: PasswordVerifier | undefined;

/** An administrator with a password, as the holder of the authenticator sees it. */
export interface PasswordHolder {
  readonly name: string;
  readonly secret: Uint8Array;
}

/** Sessions with administrators over a store in memory, at a time of the test's choice. */
export class AdministratorFixture {
  /** Milliseconds since 1970: at the begin of a step, after the certificates have begun. */
  now = (Math.floor(Date.now() / 30_000) + 200) * 30_000;
  /** When a lane was written last, as the lanes say: POSIX seconds. */
  writtenAt: number | null = null;
  /** The two-person rule, which tests may change. */
  readonly approval = { methods: [] as readonly string[], seconds: 3_600 };
  readonly store = new MemoryStore();
  /** Rows that the database serves in place of its own, by their keys; null: none is there. */
  readonly forged = new Map<string, StoredRecord | null>();
  /** What has become of the client demo. */
  readonly changes: string[] = [];
  readonly calls: ObservedCall[] = [];
  /** Called before each call that is observed ends. */
  observing: (call: ObservedCall) => Promise<void> = async () => {};
  readonly backends: ManagementBackends;
  authenticator: AdministratorAuthenticator;

  constructor() {
    const store: Store = Object.assign(Object.create(this.store), {
      record: async (kind: string, key: string) =>
        this.forged.has(key) ? (this.forged.get(key) ?? undefined) : this.store.record(kind, key),
      records: async (query: RecordQuery) =>
        (await this.store.records(query)).flatMap((row) => {
          const forged = this.forged.get(row.key);
          return forged === undefined ? [row] : forged === null ? [] : [{ ...forged, seq: row.seq }];
        }),
      commit: this.store.commit.bind(this.store),
    });
    const nodes = { list: async () => [{ writtenAt: this.writtenAt }] };
    const clients = {
      list: async () => [],
      byName: async (name: string) => (name === 'demo' ? { name, disabled: false, group: 'g' } : undefined),
      setDisabled: async (name: string, disabled: boolean) => {
        this.changes.push(`${name} ${disabled}`);
        return true;
      },
    };
    this.backends = {
      store,
      vault: new PlainVault(),
      nodes,
      clients,
      approval: this.approval,
    } as unknown as ManagementBackends;
    this.authenticator = this.startAuthenticator();
  }

  /** Replaces the authenticator by one that has seen nothing, as a daemon that was started anew. */
  startAuthenticator(): AdministratorAuthenticator {
    this.authenticator = new AdministratorAuthenticator(this.backends, () => this.now);
    return this.authenticator;
  }

  /** Opens a session; the nameless admin's. */
  open(): TestSender {
    return new TestSender(
      new ManagementSession({
        ...{
          backends: this.backends,
          authenticator: this.authenticator,
          store: storeName,
          openedBy: 'socket',
        },
        ready: async () => {},
        observe: async (caller, method, params, outcome) => {
          const call = { caller, method, params, outcome };
          this.calls.push(call);
          await this.observing(call);
        },
      }),
    );
  }

  /** Opens a session and logs in. */
  async logIn(shown: ShownCredential): Promise<TestSender> {
    const sender = this.open();
    await logInAdministrator(sender, storeName, shown);
    return sender;
  }

  /** Adds an administrator with a password. */
  async addByPassword(name: string, role: AdministratorRole): Promise<PasswordHolder> {
    const secret = randomBytes(totpSecretBytes.SHA1);
    await this.open().call('admin.add', { name, role, credential: await passwordCredential(secret) });
    return { name, secret };
  }

  /** Adds an administrator with a certificate. */
  async addByKey(name: string, role: AdministratorRole): Promise<{ name: string; key: KeyObject }> {
    const { certificate, key } = await certifiedKey(name);
    await this.open().call('admin.add', { name, role, credential: { certificate } });
    return { name, key };
  }

  /** What a holder shows now, or so many steps later. */
  show({ name, secret }: PasswordHolder, { steps = 0, typed = password } = {}): ShownCredential {
    const step = Math.floor(this.now / 1000 / totpStepSeconds) + steps;
    const code = Secret.copyOf(totpCode(secret, step, 'SHA1'));
    return { name, password: Secret.copyOf(new TextEncoder().encode(typed)), code };
  }

  /** The row of an administrator. */
  rowOf(name: string): StoredRecord {
    const key = new PlainVault().key('record', 'administrator', name);
    const row = this.store.snapshot().records.get(key);
    if (row === undefined) throw new Error(`no row of ${name}`);
    return row;
  }
}

/** Sends requests to a session as a client does. */
export class TestSender implements RequestSender {
  readonly session: ManagementSession;
  signer: RequestSigner | undefined;
  /** The last request, which a test may send again. */
  sent: SentRequest | undefined;
  #id = 0;

  constructor(session: ManagementSession) {
    this.session = session;
  }

  send(method: string, params: unknown): Promise<unknown> {
    const id = ++this.#id;
    const signature = this.signer?.({ id, method, params });
    this.sent = JSON.parse(JSON.stringify({ id, method, params, signature })) as SentRequest;
    return this.session.handle(this.sent);
  }

  readonly call: ManagementCall = async (method, params) =>
    (await this.send(method, params)) as ResultOf<typeof method>;
}

/** Asks for a call, and resolves to the number of the request. */
export async function askForApproval<M extends MethodName>(
  by: TestSender,
  method: M,
  params: ParamsOf<M>,
): Promise<string> {
  const error = await by.call(method, params).then(
    () => undefined,
    (each: unknown) => each,
  );
  if (error instanceof ApprovalPendingError) return error.request;
  throw new Error('it was not asked for', { cause: error });
}

/** Returns a credential of the password and a secret, as commands send it. */
export async function passwordCredential(secret: Uint8Array) {
  verifier ??= await passwordVerifier(password);
  const encrypted = encryptSecret(Secret.copyOf(secret), secretReceiver().publicKey);
  return { password: verifier, totp: { hash: 'SHA1' as const, secret: encrypted } };
}

const authorityKey = await generateKey('ec');
const authority = { certificate: await createAuthority('Test', authorityKey), key: authorityKey };

/** Issues a certificate (PEM) with its private key. */
export const certifiedKey = (name: string) => issueClient(authority, name, 'ec');

/** A key that no administrator has. */
export const foreignKey = generateKeyPairSync('ed25519').privateKey;

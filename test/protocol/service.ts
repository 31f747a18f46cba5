import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Operation, ResultReason, ResultStatus } from '../../codec/enums.ts';
import type { Version } from '../../codec/version.ts';
import type { Node } from '../../codec/wire/node.ts';
import type { AuditRecorder } from '../../src/audit/audit.ts';
import { type CertificationRules, defaultCertificationRules } from '../../src/common/certification-rules.ts';
import { defaultLimits, type Limits } from '../../src/common/limits.ts';
import type { Protection } from '../../src/common/protection.ts';
import { nodeCrypto } from '../../src/crypto/node/node.ts';
import { CryptographicPolicy } from '../../src/crypto/policy/policy.ts';
import type { CryptographicSettings } from '../../src/crypto/policy/rules.ts';
import { isEnrolledSince } from '../../src/identity/certificate.ts';
import type { Enrolments } from '../../src/identity/enrolment.ts';
import type { ClientDirectory, Principal } from '../../src/identity/principal.ts';
import type { Channel, SessionControl } from '../../src/operations/context.ts';
import { operations, operationsIn } from '../../src/operations/index.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { StoredClients } from '../../src/protocol/authentication/client-directory.ts';
import type { ContextFactoryOptions } from '../../src/protocol/batch/context-factory.ts';
import { createService } from '../../src/protocol/create-service.ts';
import type { Conversation, Service } from '../../src/protocol/service.ts';
import { ObjectEvents } from '../../src/protocol/unit-of-work/object-events.ts';
import { type Database, openDatabase } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { openLocalVault } from '../../src/vault/local.ts';
import type { LocalVault } from '../../src/vault/local-vault.ts';
import type { ExhaustedAttempts, RefusedPermission } from '../../src/watch/observer.ts';
import {
  children,
  decode,
  encode,
  enumerated,
  find,
  integer,
  type RequestItem,
  requestMessage,
  structure,
  text,
  valueOf,
} from '../client.ts';
import { chooseRoot, type RootChoice } from '../fake-token.ts';
import { startLanes } from '../store/start-lanes.ts';

/** One Batch Item of an answer, as tests compare it. */
export interface Answer {
  readonly operation: string | undefined;
  readonly status: string;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly batchItemID: string | undefined;
  readonly payload: Node | undefined;
  /** The Unique Identifier in the payload. */
  readonly id: string | undefined;
}

export interface ServiceOptions
  extends RootChoice,
    Pick<ContextFactoryOptions, 'tokenKeys' | 'waitingSeconds'> {
  readonly limits?: Partial<Limits>;
  readonly uniqueNames?: boolean;
  readonly interop?: boolean;
  readonly revocationListUrl?: string;
  /** How Sensitive and Extractable bind; `strict` when left out. */
  readonly protection?: Protection;
  /** Rules for authorities that differ from the defaults; read with each message. */
  readonly certification?: Partial<CertificationRules>;
  /** Cryptographic settings that differ from the defaults. */
  readonly crypto?: Partial<CryptographicSettings>;
  /** Further operations, e.g. one that fails with a bug. */
  readonly extra?: readonly AnyOperation[];
  /** Denies operations to the client. */
  readonly may?: (operation: string) => boolean;
  /** How clients replace their certificates; they cannot when left out. */
  readonly enrolments?: (directory: ClientDirectory) => Enrolments;
  /** URL of the database; SQLite in a temporary directory when left out. */
  readonly store?: string;
  /** Seconds before a new epoch is used. */
  readonly activationDelaySeconds?: number;
  readonly audit?: AuditRecorder;
  /** Returns the store that the service uses in front of that of the database. */
  readonly interceptStore?: (store: Store) => Store;
}

/** The cryptographic settings of a configuration that sets none. */
export const defaultSettings: CryptographicSettings = {
  disabled: [],
  pkcs1Decryption: false,
  fips: false,
  legacy: false,
};

/** The message service over a real SQLite store and vault, without a network. */
export class TestService {
  /** Milliseconds since 1970 as the service sees them, and POSIX seconds that lanes have stated. */
  now = Date.parse('2026-01-01T00:00:00Z');
  latestTime = 0;
  readonly logged: string[] = [];
  readonly unexpected: unknown[] = [];
  /** The cryptographic policy, which tests may replace. */
  cryptographicPolicy = new CryptographicPolicy(defaultSettings);
  /** The reasons that credentials were refused for. */
  readonly authenticationFailures: string[] = [];
  readonly exhausted: ExhaustedAttempts[] = [];
  /** The permissions that roles lacked. */
  readonly refusedPermissions: RefusedPermission[] = [];
  /** Enrolled clients other than the one of the connection. */
  readonly otherClients = new Map<string, Principal>();
  /** Whether the client of the connection is enrolled. */
  isEnrolled = true;
  /** Changes to the principal of the connection. */
  sender: Partial<Principal> = {};
  /** Whether the connection is open, and whether its client has closed its side. */
  connectionState: Pick<Conversation, 'isOpen' | 'hasClientEnded'> = {};
  /** Digests of the credentials that the connection remembers. */
  memory: Set<string> | undefined;
  store!: Store;
  database!: Database;
  snapshot!: Database['snapshot'];
  vault!: LocalVault;
  /** Notifies of what commits have changed. */
  events!: ObjectEvents;
  /** The connection, where the roles on it can be exchanged. */
  channel: Channel | undefined;
  /** Controls what becomes of that session when its client replaces the certificate. */
  sessionControl: SessionControl | undefined;
  clients!: ClientDirectory;
  #service!: Service;
  #close!: () => Promise<void>;
  #start!: () => Service;
  #may: (operation: string) => boolean = () => true;
  /** The clients that have sent messages, as they did last. */
  readonly #senders = new Map<string, Principal>([
    ['tester', { client: 'tester', group: 'g', may: (operation) => this.#may(operation) }],
  ]);

  /** Opens a service in a temporary directory. */
  static async open(options: ServiceOptions = {}): Promise<TestService> {
    const self = new TestService();
    const directory = await mkdtemp(join(tmpdir(), 'kmipd-protocol-'));
    const opened = await openDatabase(options.store ?? `sqlite:${join(directory, 'kmipd.db')}`);
    const { activationDelaySeconds = 120 } = options;
    const place = { keyrings: opened.keyrings, activationDelaySeconds };
    const vault = await openLocalVault({ ...chooseRoot(options, directory), ...place });
    await startLanes(opened, vault);
    const clients = new StoredClients(opened.store, vault);
    self.#may = options.may ?? self.#may;
    self.cryptographicPolicy.replace({ ...defaultSettings, ...options.crypto });
    self.store = opened.store;
    self.database = opened;
    self.snapshot = opened.snapshot;
    self.clients = clients;
    self.vault = vault;
    self.events = new ObjectEvents(
      vault,
      (error) => self.unexpected.push(error),
      () => options.protection ?? 'strict',
    );
    const served = options.interceptStore?.(opened.store) ?? opened.store;
    self.#start = () =>
      createService({
        store: served,
        vault,
        crypto: self.cryptographicPolicy.restrict(nodeCrypto),
        limits: { ...defaultLimits, ...options.limits },
        operations: new Map([
          ...operations,
          ...(options.extra ?? []).map((each) => [each.name, each] as const),
        ]),
        server: {
          ...{ vendor: 'test', name: 'test', version: '0' },
          operations: (version) => operationsIn(version, false),
          ...{ interop: options.interop ?? false, revocationListUrl: options.revocationListUrl },
          uniqueNames: options.uniqueNames ?? false,
          log: (_client, message) => self.logged.push(message),
        },
        protection: () => options.protection ?? 'strict',
        certification: () => ({ ...defaultCertificationRules, ...options.certification }),
        observer: {
          ...{ answered() {}, refused() {}, quotaExhausted() {} },
          authenticationFailed: ({ reason }) => self.authenticationFailures.push(reason),
          permissionRefused: (event) => self.refusedPermissions.push(event),
          attemptsExhausted: (event) => self.exhausted.push(event),
          requestFailed: ({ error }) => self.unexpected.push(error),
        },
        events: self.events,
        ...{ clock: () => self.now, latestTime: () => self.latestTime },
        ...(options.enrolments && { enrolments: options.enrolments(clients) }),
        ...(options.tokenKeys && { tokenKeys: options.tokenKeys }),
        ...(options.waitingSeconds && { waitingSeconds: options.waitingSeconds }),
        audit: options.audit,
        isEnrolled: (maker) => isEnrolledSince(maker, clients),
        principal: async (client) =>
          self.otherClients.get(client) ?? (self.isEnrolled ? self.#senders.get(client) : undefined),
      });
    self.#service = self.#start();
    self.#close = async () => {
      await self.#service.close();
      await opened.close();
      await vault.close();
      await rm(directory, { recursive: true, force: true });
    };
    return self;
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** Number of messages that were answered as pending and are not done. */
  get pendingJobs(): number {
    return this.#service.pendingJobs;
  }

  /** Closes the service and starts another one over the same store. */
  async restart(): Promise<void> {
    await this.#service.close();
    this.#service = this.#start();
    await this.lookForJobs();
  }

  /** Queues jobs that were left behind, as the service does every few seconds. */
  lookForJobs(): Promise<void> {
    return this.#service.lookForJobs();
  }

  /** Runs `use` with another service over the same store, as another node would be. */
  async asOtherNode<T>(use: () => Promise<T>): Promise<T> {
    const own = this.#service;
    this.#service = this.#start();
    try {
      return await use();
    } finally {
      await this.#service.close();
      this.#service = own;
    }
  }

  /** Sends the bytes of a request as a client of `group`; returns those of the response. */
  async send(request: Uint8Array, group = 'g'): Promise<Uint8Array> {
    const { memory, channel, sessionControl } = this;
    const may = this.#may;
    const principal = { client: 'tester', group, may, ...this.sender };
    this.#senders.set(principal.client, principal);
    const known = { ...(memory && { memory }), ...(sessionControl && { sessionControl }) };
    const at = { connection: '1', peer: 'here', channel };
    const conversation = { principal, ...at, ...known, ...this.connectionState };
    return (await this.#service.respond(request, conversation)).response;
  }

  /** Sends a batch; returns the whole Response Message. */
  async exchange(
    version: Version,
    items: readonly RequestItem[],
    header: readonly Node[] = [],
    group = 'g',
  ): Promise<Node> {
    return decode(await this.send(encode(requestMessage(version, items, header)), group));
  }

  /** Sends a batch; returns its answers in order. */
  async batch(
    version: Version,
    items: readonly RequestItem[],
    header: readonly Node[] = [],
    group = 'g',
  ): Promise<Answer[]> {
    return answersOf(await this.exchange(version, items, header, group));
  }

  /** Sends one item; returns its answer. */
  async call(
    version: Version,
    operation: string,
    payload: readonly Node[] = [],
    group = 'g',
  ): Promise<Answer> {
    const [answer] = await this.batch(version, [{ operation, payload }], [], group);
    return answer as Answer;
  }

  /** Creates an AES-256 key; returns its identifier. */
  async key(attributes: readonly Node[] = []): Promise<string> {
    const { id, message } = await this.call('1.4', 'Create', createAesPayload1x(attributes));
    if (id === undefined) throw new Error(`no key: ${message}`);
    return id;
  }

  /** Returns the State of an object, as its number. */
  async state(id: string): Promise<unknown> {
    const answer = await this.call('1.4', 'GetAttributes', [uid(id), text('AttributeName', 'State')]);
    return valueOf(answer.payload as Node, 'Attribute', 'AttributeValue');
  }
}

/** Returns the Batch Items of a Response Message. */
export function answersOf(message: Node): Answer[] {
  return children(message, 'BatchItem').map((item) => {
    const operation = valueOf(item, 'Operation') as number | undefined;
    const reason = valueOf(item, 'ResultReason') as number | undefined;
    const batchItemID = valueOf(item, 'UniqueBatchItemID') as Uint8Array | undefined;
    return {
      operation: operation === undefined ? undefined : String(Operation.fromNumber(operation)),
      status: String(ResultStatus.fromNumber(valueOf(item, 'ResultStatus') as number)),
      reason: reason === undefined ? undefined : String(ResultReason.fromNumber(reason)),
      message: valueOf(item, 'ResultMessage') as string | undefined,
      batchItemID: batchItemID === undefined ? undefined : Buffer.from(batchItemID).toString('hex'),
      payload: find(item, 'ResponsePayload'),
      id: valueOf(item, 'ResponsePayload', 'UniqueIdentifier') as string | undefined,
    };
  });
}

/** Summarises answers in one line: `operation:status` or `operation:reason` of each. */
export function outline(answers: readonly Answer[]): string {
  return answers.map(({ operation, status, reason }) => `${operation}:${reason ?? status}`).join(' ');
}

export const uid = (id: string): Node => text('UniqueIdentifier', id);

export const attribute1x = (name: string, value: Node): Node =>
  structure('Attribute', text('AttributeName', name), value);

/** The payload of a Create of an AES-256 key in 1.x. */
export function createAesPayload1x(attributes: readonly Node[] = []): Node[] {
  return [
    enumerated('ObjectType', 2),
    structure(
      'TemplateAttribute',
      attribute1x('Cryptographic Algorithm', enumerated('AttributeValue', 3)),
      attribute1x('Cryptographic Length', integer('AttributeValue', 256)),
      attribute1x('Cryptographic Usage Mask', integer('AttributeValue', 12)),
      ...attributes,
    ),
  ];
}

/** The same for 2.x. */
export function createAesPayload2x(): Node[] {
  return [
    enumerated('ObjectType', 2),
    structure(
      'Attributes',
      enumerated('CryptographicAlgorithm', 3),
      integer('CryptographicLength', 256),
      integer('CryptographicUsageMask', 12),
    ),
  ];
}

import type { ChainEntry } from '../common/audit-chain.ts';

/**
 * Port of the audit log: what is recorded, and how callers hand it over. Entries name who did what to which
 * objects and how it ended; they hold no value, password, PIN or other secret, and names of objects only
 * where the operator wants them. docs/audit.md describes the fields for those who read them.
 */

/** What is recorded of one message, of the end of one job, of refusals, or of one act. */
export interface AuditEntry {
  /** Milliseconds since 1970, by the clock of the node. */
  readonly time: number;
  readonly kind: AuditKind;
  /** Name of the node. */
  readonly node: string;
  readonly actor?: AuditActor;
  readonly connection?: AuditConnection;
  /** Protocol version of a message, such as `2.1`. */
  readonly version?: string;
  /** Correlation values of a message, as the client and the server gave them. */
  readonly clientCorrelation?: string;
  readonly serverCorrelation?: string;
  /** One for each batch item of a message or job that was run, in their order; one for any other entry. */
  readonly items: readonly AuditItem[];
}

/**
 * `message`: of a client; `job`: the end of asynchronous work; `refusal`: a connection, a credential or bytes
 * that were refused; `management`: an act of an administrator; `server`: an act of the daemon itself;
 * `audit`: what happened to the log, such as a cut or a gap.
 */
export type AuditKind = 'message' | 'job' | 'refusal' | 'management' | 'server' | 'audit';

/** Operation of the entry after which no lane states a chain any more; its details say where that ends. */
export const chainEnded = 'ChainEnded';
/** Operation of the entry that says with which key a chain of signing keys begins. */
export const signingKeyBegun = 'SigningKeyBegun';

/** Who acted. */
export interface AuditActor {
  /** Name of the client. */
  readonly client?: string;
  readonly group?: string;
  readonly role?: string;
  /** The client that showed a ticket of `client`. */
  readonly bearer?: string;
  /** Name of the administrator; absent for whoever may open the socket of the home. */
  readonly administrator?: string;
}

/** How the actor was connected. */
export interface AuditConnection {
  /** Remote address as host:port. */
  readonly peer?: string;
  /** Short id, as in the log of the daemon. */
  readonly id?: string;
}

/** One operation, and how it ended. */
export interface AuditItem {
  /** KMIP name of the operation, method of the management service, or name of an act. */
  readonly operation: string;
  /** The objects that it read, made or changed; those that a search found are only counted. */
  readonly objects?: readonly AuditedObject[];
  /** How many objects stand for those in `objects` that are left out. */
  readonly more?: number;
  /** How many objects a search found. */
  readonly found?: number;
  /** Key Format Type that was asked for. */
  readonly format?: string;
  /** Asynchronous Correlation Value of what was begun, asked for, cancelled or has ended, in hexadecimal. */
  readonly job?: string;
  /** Whether the server has encrypted the value that left; absent where none left. */
  readonly wrapped?: boolean;
  /**
   * `Success`, `OperationFailed`, `OperationUndone` or `OperationPending`; `Begun` before an act that may
   * change something, of which another item says how it ended.
   */
  readonly result: string;
  /** Result Reason of a failure, or why something was refused. */
  readonly reason?: string;
  /** The line of policy, or the grant, that decided. */
  readonly rule?: string;
  /** How often that happened, where one entry stands for several refusals of a second. */
  readonly count?: number;
  /** What else is known, by names of a few fixed kinds: no secrets, no text of unauthenticated peers. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/** An object as the item left it, or found it where the item failed. */
export interface AuditedObject {
  /** Unique Identifier. */
  readonly id: string;
  readonly type?: string;
  readonly state?: string;
  readonly algorithm?: string;
  /** Cryptographic Length in bits; absent where it tells about a password. */
  readonly length?: number;
  /** Names, where the operator wants them in the log. */
  readonly names?: readonly string[];
}

/** `AUDIT_UNAVAILABLE`: nothing may be done now, because it could not be recorded. */
export class AuditUnavailableError extends Error {
  override readonly name = 'AuditUnavailableError';
  readonly code = 'AUDIT_UNAVAILABLE';
}

/** An entry in its place in the chain of a writing process. */
export interface ChainedEntry {
  /** Id of the chain. */
  readonly chain: string;
  /** Counts the entries of the chain from 0. */
  readonly number: number;
  /** The entry as JSON, the exact text that the chain authenticates. */
  readonly text: string;
}

/** Entries of a chain that are durable. */
export interface DurableEntries {
  readonly chain: string;
  /** Number of the first one. */
  readonly first: number;
  readonly entries: readonly Pick<ChainEntry, 'text'>[];
}

/** Takes over what the log has made durable. */
export interface AuditOutlet {
  /** Takes entries of one chain in their order, the first one by its number, without waiting or an error. */
  accept(durable: DurableEntries): void;
  /** Takes a signed checkpoint, a text of several lines. */
  acceptCheckpoint(text: string): void;
  /** Why nothing may be done now, one line; undefined when nothing speaks against it. */
  refusal(): string | undefined;
}

/** Entries that wait in the journal of a node, and the number of the last of them. */
export interface JournalPart {
  readonly entries: readonly ChainEntry[];
  readonly last: number;
}

/** Entries that a transaction has added to a chain. */
export interface AppendedEntries extends DurableEntries {
  readonly entries: readonly ChainEntry[];
  /** Number of the last entry of the journal that is in the chain. */
  readonly journal: number;
}

/** The journal of a node, whose entries the writer of the store moves into the chain of its process. */
export interface LaneJournal {
  /**
   * The chain of the process states that it has the entries of the journal up to that number; is called once,
   * before anything is written.
   */
  resume(last: number): void;
  /** Returns some entries of the journal that are not in the chain yet; undefined for none. */
  peek(): JournalPart | undefined;
  /** Is told of entries that are durable in a chain of the process, those of the journal among them. */
  appended(entries: AppendedEntries): void;
}

/** Records what a process does. */
export interface AuditRecorder {
  /** Name of the node. */
  readonly node: string;
  /** Whether entries have the names of objects. */
  readonly hasNames: boolean;
  /** Why nothing may be done now, one line; undefined while everything can be recorded. */
  readonly refusal: string | undefined;
  /**
   * Records an entry in the journal, with all others of this turn of the event loop. Resolves when the end of
   * this process does not lose it, or a power cut either, where the operator demands that.
   * @throws {AuditUnavailableError} when it cannot be written, and nothing may be done without it
   */
  append(entry: AuditEntry): Promise<void>;
  /** As `append`, for what is reported after it was done: where it cannot be written, the log says so. */
  report(entry: AuditEntry): void;
}

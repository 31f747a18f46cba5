/**
 * Port of the audit log: what is recorded, and how callers hand it over. Entries name who did what to which
 * objects and how it ended; they hold no value, password, PIN or other secret, and names of objects only
 * where the operator wants them. docs/audit-sinks.md describes the fields for those who read them.
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
  /** Whether a value left wrapped; absent where none left. */
  readonly wrapped?: boolean;
  /** `Success`, `OperationFailed`, `OperationUndone` or `OperationPending`. */
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

/** Takes over what the log has made durable. */
export interface AuditOutlet {
  /** Takes entries of one chain in their order, without waiting and without an error. */
  accept(entries: readonly ChainedEntry[]): void;
  /** Takes a signed checkpoint, a text of several lines. */
  acceptCheckpoint(text: string): void;
}

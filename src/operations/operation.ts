import type { Operation as OperationMember, ResultStatus } from '../../codec/enums.ts';
import type { Infer, Struct } from '../../codec/schema.ts';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import type { Version } from '../../codec/version.ts';
import type { Reason } from '../common/errors.ts';
import type { Limits } from '../common/limits.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Enrolments } from '../identity/enrolment.ts';
import type { Principal } from '../identity/principal.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import type { EnrolmentChange, Filter } from '../store/store.ts';

export type OperationName = Exclude<OperationMember, number>;

/**
 * What a handler may touch. Everything it writes goes into `work` and becomes durable with the whole message or not at
 * all; it has no other effect, so a message may be played again after a conflict.
 */
export interface Context {
  readonly principal: Principal;
  /** Version of the request. Handlers need it only where the answer is about versions. */
  readonly version: Version;
  /** POSIX seconds, the same for the whole message. */
  readonly now: number;
  readonly work: Work;
  readonly crypto: CryptoProvider;
  readonly server: ServerDescription;
  readonly limits: Limits;
  readonly multiPart: MultiPart;
  readonly attempts: Attempts;
  /** The connection the request came on; absent where roles cannot be exchanged. */
  readonly channel?: Channel | undefined;
  /** How the speaker gets another certificate; absent where it is not there itself. */
  readonly enrolments?: Enrolments | undefined;
  /** The connection the request came on, where it is to outlive the certificate it was made with. */
  readonly sessionControl?: SessionControl | undefined;
  /** A new Unique Identifier. */
  newIdentifier(): string;
  /** Sets the batch's ID Placeholder; undefined empties it. */
  setPlaceholder(id: string | undefined): void;
  /**
   * The identifier in a field of the request (references to earlier answers have been replaced), the ID Placeholder when
   * it is left out. Fails with ObjectNotFound where that names nothing. The object of an `object()` stance is found already.
   */
  resolve(identifier: string | undefined): string;
  readonly jobs: Jobs;
  /** Answers with these items instead of the handler's answer. */
  answerWith(answers: readonly EarlierAnswer[]): void;
}

/** Work that goes on after its message was answered as pending. */
export interface Jobs {
  /** Whether this process is at it. */
  isRunning(id: string): boolean;
  /** Has it done out of its turn, and resolves when it is; within a job it only goes first among those that wait. */
  finish(id: string): Promise<void>;
}

/** An answer that was made before this request asked for it. */
export interface EarlierAnswer {
  readonly operation: OperationName;
  readonly status: ResultStatus;
  readonly reason?: Reason | undefined;
  readonly message?: string | undefined;
  readonly asynchronousCorrelationValue?: Uint8Array;
  /** The encoded ResponsePayload. */
  readonly payload?: Uint8Array | undefined;
}

/** A connection on which the server may come to ask and the client to answer. */
export interface Channel {
  /** Name of the client whose connection it is. */
  readonly client: string;
  /** Exchanges the roles once the message in hand is answered; the server's first request is of that version. */
  reverse(version: Version): void;
}

/** How a connection stands to the directory of clients. */
export interface SessionControl {
  /** Before the commit: for a short time it may go on where its client is enrolled by that certificate (DER). */
  expect(certificate: Uint8Array): void;
  /** After the commit: the client's other connections come to their end. */
  replaced(): void;
}

/** Context of an operation on one existing object, which was found, permitted and in a fit state. */
export interface ObjectContext extends Context {
  readonly object: ManagedObject;
}

/** The unit of work as one batch item sees it (DESIGN §5). */
export interface Work {
  /** An object of the principal's group, as this message has left it so far; undefined when there is none to be seen. */
  load(id: string): Promise<ManagedObject | undefined>;
  /** Adds a new object; changes to loaded ones are found by themselves. */
  insert(object: ManagedObject): void;
  /** Ids newest first, what this message has changed included. */
  find(query: FindQuery): Promise<{ readonly ids: readonly string[]; readonly total: number }>;
  /** What the server remembers beside objects; part of the same commit. */
  readonly records: Records;
  /** Replaces the speaker's certificate in the directory; part of the same commit, once in a message. */
  reenrol(change: EnrolmentChange): void;
  /** Runs once after the message's commit, e.g. to write a client's Log message into the log. */
  afterCommit(effect: () => void): void;
}

/** Which part of several the data of a request is. */
export interface MultiPartFields {
  readonly CorrelationValue?: Uint8Array | undefined;
  readonly InitIndicator?: boolean | undefined;
  readonly FinalIndicator?: boolean | undefined;
}

export interface MultiPartSpec<S> {
  readonly operation: OperationName;
  /** Identifier of the key; all parts must name the same. */
  readonly object?: string;
  readonly request: MultiPartFields;
  /** Begins the work, at the first part. */
  start(): S;
}

/** Work on data that comes in several messages, kept in memory between them, bounded in number and time. */
export interface MultiPart {
  /**
   * Does one step, once however often the message is played, and adds the Correlation Value to its answer unless it is
   * the last. An error ends the work. What a step does to objects would be lost in a second play: do that outside. Fails
   * with InvalidCorrelationValue (1.x: ItemNotFound) when nothing of the client's waits, with ServerLimitExceeded when too
   * much does.
   */
  take<S, A extends object>(
    spec: MultiPartSpec<S>,
    step: (stream: S, last: boolean) => A | Promise<A>,
  ): Promise<A & { CorrelationValue?: Uint8Array }>;
}

/**
 * Counts failures of a client with a key, named by its identifier. Where there were too many, both reject with
 * CryptographyFailed, decryption with `undecipherable()`, and do nothing. What is run rejects as it always does.
 */
export interface Attempts {
  decrypting<T>(key: string, open: () => T | Promise<T>): Promise<T>;
  verifying<T>(key: string, verify: () => T | Promise<T>, isValid: (value: T) => boolean): Promise<T>;
}

/** Records of the principal's group, sealed at rest. A kind belongs to the one file that knows what its bytes mean. */
export interface Records {
  /** The content, a copy; undefined when there is none, it has expired or it is another group's. */
  load(kind: string, id: string): Promise<Uint8Array | undefined>;
  /** Oldest first, at most `limit`. */
  list(
    kind: string,
    limit: number,
  ): Promise<readonly { readonly id: string; readonly content: Uint8Array }[]>;
  /** Inserts, or replaces what this message has loaded; `expires` in POSIX seconds, never when left out. */
  put(kind: string, id: string, content: Uint8Array, expires?: number): void;
  /** Removes what this message has loaded. */
  remove(kind: string, id: string): void;
}

export interface FindQuery {
  readonly filter: Filter;
  readonly offset: number;
  readonly limit: number;
}

/** What the server says about itself. */
export interface ServerDescription {
  readonly vendor: string;
  readonly name: string;
  readonly version: string;
  /** Operations offered in that version, in the order of the table. */
  operations(version: Version): readonly OperationName[];
  /** Whether there is a door for HTTPS; none when left out. */
  readonly https?: boolean;
  /** Where the revocation lists of issuers can be had; `{issuer}` stands for the issuer's certificate. */
  readonly revocationListUrl?: string | undefined;
  /** Conformance test mode (`--interop`). */
  readonly interop: boolean;
  /** A Name may stand on one object of a group only. */
  readonly uniqueNames: boolean;
  /** Writes a client's message into the log. */
  log(client: string, message: string): void;
}

/** Operations about the server itself; they work while the vault is sealed. */
export interface ServerTarget {
  readonly kind: 'server';
}
/** Operations that make objects; their identifier becomes the ID Placeholder. */
export interface CreationTarget {
  readonly kind: 'creation';
}
/** Operations about many objects or none. */
export interface ConversationTarget {
  readonly kind: 'conversation';
}
/** Operations on one existing object, named in the request or by the ID Placeholder. */
export interface ObjectTarget {
  readonly kind: 'object';
  /** Object types it works on; all when left out. */
  readonly types?: readonly ObjectTypeName[];
  /** What 1.x is told about an object of another type; Illegal Operation when left out. */
  readonly legacyReason?: Reason;
  /** Works on archived objects too. */
  readonly archived?: boolean;
  /** Works on destroyed objects too, of which only attributes are left. */
  readonly destroyed?: boolean;
  /** Request field that names the object. */
  readonly identifiedBy?: 'UniqueIdentifier' | 'PrivateKeyUniqueIdentifier';
}
export type OperationTarget = ServerTarget | CreationTarget | ConversationTarget | ObjectTarget;

export function server(): ServerTarget {
  return { kind: 'server' };
}
export function creation(): CreationTarget {
  return { kind: 'creation' };
}
export function conversation(): ConversationTarget {
  return { kind: 'conversation' };
}
export function object(options: Omit<ObjectTarget, 'kind'> = {}): ObjectTarget {
  return { kind: 'object', ...options };
}

type ContextOf<S extends OperationTarget> = S extends ObjectTarget ? ObjectContext : Context;

export interface Operation<
  Q extends Struct = Struct,
  R extends Struct = Struct,
  S extends OperationTarget = OperationTarget,
> {
  readonly name: OperationName;
  readonly since: Version;
  readonly until?: Version;
  readonly request: Q;
  readonly response: R;
  readonly target: S;
  /** Asked by the server only: Query names it, a client that asks for it is refused. */
  readonly direction?: 'server-to-client';
  /** Whether it may take longer than a client likes to wait; one that allows it is then answered as pending. */
  slow?(request: Infer<Q>, work: Work): boolean | Promise<boolean>;
  handle(request: Infer<Q>, context: ContextOf<S>): Promise<Infer<R>> | Infer<R>;
}

/** Defines an operation; the types of request, response and context follow from the schemas and the stance. */
export function operation<Q extends Struct, R extends Struct, S extends OperationTarget>(
  definition: Operation<Q, R, S>,
): Operation<Q, R, S> {
  return definition;
}

/** Defines an operation that the server asks of its clients. */
export function serverToClient<Q extends Struct, R extends Struct>(
  definition: Pick<Operation<Q, R>, 'name' | 'since' | 'request' | 'response'>,
): Operation<Q, R, ConversationTarget> {
  return {
    ...definition,
    direction: 'server-to-client',
    target: conversation(),
    handle() {
      throw new TypeError(`${definition.name} is never performed here`);
    },
  };
}

/** An operation whose types have been forgotten: what tables hold. */
// biome-ignore lint/suspicious/noExplicitAny: the table mixes all request and response types
export type AnyOperation = Operation<any, any, any>;

import type { Operation, ResultStatus } from '../../codec/enums.ts';
import type { ValidationInformation } from '../../codec/structures/query.ts';
import type { Version } from '../../codec/version.ts';
import type { CertificationRules, NamingPolicy } from '../common/certification-rules.ts';
import type { ApprovableOperation } from '../common/client-approvals.ts';
import type { Reason } from '../common/errors.ts';
import type { Limits } from '../common/limits.ts';
import type { Protection } from '../common/protection.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { TokenKeyReference } from '../crypto/token-device.ts';
import type { TokenKeys } from '../crypto/token-keys.ts';
import type { Enrolments } from '../identity/enrolment.ts';
import type { Authorisation, Enrolment, Principal } from '../identity/principal.ts';
import type { AttributeFilter } from '../object/attribute-filter.ts';
import type { Bar } from '../object/bars.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import type { TicketUses } from '../object/usage.ts';
import type { Work } from './work.ts';

/** The context that a handler is called with, and the ports in it. The protocol layer implements them. */

/** Name of an operation of the specification. */
export type OperationName = Exclude<Operation, number>;

/**
 * Everything a handler may use. All that a handler writes goes into `work` and becomes durable with the whole
 * message or not at all; only lasting changes outlive a failed item and Undo. A handler has no other effect,
 * so a message may be executed again after a conflict.
 */
export interface Context {
  readonly principal: Principal;
  /** Version of the request. Handlers need it only where the answer is about versions. */
  readonly version: Version;
  /** POSIX seconds, the same for the whole message. */
  readonly now: number;
  readonly work: Work;
  readonly crypto: CryptoProvider;
  /** Keys in a token; undefined where none is configured. */
  readonly tokenKeys: TokenKeyStorage | undefined;
  /** Whether the operator wants every new key of the sender's group in a token. */
  readonly isTokenRequired: boolean;
  readonly server: ServerDescription;
  /**
   * POSIX second until which what the message destroys can be restored; undefined when it is gone at once.
   */
  readonly restorableUntil: number | undefined;
  readonly limits: Limits;
  /** How Sensitive and Extractable bind. */
  readonly protection: Protection;
  /** The objects whose values the client may fetch by Get, as far as its role and its Rights decide. */
  readonly fetchable: AttributeFilter;
  /** Attributes that the client does not see of the object, see `ValueAccess`. */
  readonly hiddenAttributes?: ReadonlySet<string> | undefined;
  /** What authorities may certify, and what their keys may do. */
  readonly certification: CertificationRules;
  /** Policies of `certification` by the fingerprint of keys, of the whole group, whatever Rights reach. */
  listedKeys(): Promise<ReadonlyMap<string, readonly NamingPolicy[]>>;
  readonly multiPart: MultiPart;
  readonly attempts: Attempts;
  readonly randomIvUses: RandomIvUses;
  readonly ticketUses: TicketUses;
  /** The connection the request came on; absent where roles cannot be exchanged. */
  readonly channel?: Channel | undefined;
  /** Issues and accepts client certificates; absent where the connection has no enrolled client. */
  readonly enrolments?: Enrolments | undefined;
  /** Keeps the connection open when its client certificate is replaced; absent where that cannot be. */
  readonly sessionControl?: SessionControl | undefined;
  /** Returns a new Unique Identifier. */
  newIdentifier(): string;
  /** Sets the batch's ID Placeholder; undefined empties it. */
  setPlaceholder(id: string | undefined): void;
  /**
   * Returns the identifier in a field of the request (references to earlier answers have been replaced), the
   * ID Placeholder when the field is left out. The object of an `object()` target has been found already.
   * @throws {KmipError} ObjectNotFound when the identifier names nothing
   */
  resolve(identifier: string | undefined): string;
  readonly jobs: Jobs;
  readonly renewedAccess: RenewedAccess;
  readonly approvals: Approvals;
  /** Answers with these items instead of the handler's answer. */
  answerWith(answers: readonly EarlierAnswer[]): void;
}

/**
 * Context of an operation on one existing object, which has been found, permitted and checked against the
 * target.
 */
export interface ObjectContext extends Context {
  readonly object: ManagedObject;
}

/** Port: work that goes on after its message was answered as pending. */
export interface Jobs {
  /** Whether this process is executing the job. */
  isRunning(id: string): boolean;
  /**
   * Executes the job before the others and resolves when it is done; inside a job it only moves to the head
   * of the queue.
   */
  finish(id: string): Promise<void>;
}

/** An object that finished work has read, found or made. */
export interface AnsweredObject {
  readonly id: string;
  /** What barred clients from it in the end; undefined when the work has only found it. */
  readonly bars?: readonly Bar[];
}

/** Port: whether the client may use another operation than that of the item on objects: Poll, attributes. */
export interface RenewedAccess {
  /** Whether something that lasts is still authorised by the enrolment and the ticket that it came with. */
  isInForce(authority: Authorisation): Promise<boolean>;
  /** Whether the client that made an object is enrolled since then. */
  isEnrolled(maker: Enrolment): Promise<boolean>;
  /** Overwrites what earlier requests would answer with a value that is destroyed or replaced. */
  eraseAnswersWith(id: string): Promise<void>;
  /**
   * `objects`: those of the answer; undefined when they are not known.
   * @throws {KmipError} NotAuthorised when the Rights do not reach an object now, ObjectNotFound when it is
   *   gone, ObjectArchived, ObjectDestroyed, Sensitive or NotExtractable when it has become so since and the
   *   operation would be refused now, WrongKeyLifecycleState for a value compromised since
   */
  require(operation: OperationName, objects: readonly AnsweredObject[] | undefined): Promise<void>;
}

/**
 * Port: the two-person rule for operations of clients. Both methods do nothing where the operator has not put
 * the act under the rule, and where an administrator has approved it for this request.
 */
export interface Approvals {
  /**
   * To be called with a stored object on which the item does that, before its changes are kept.
   * @throws {ApprovalMissingError} PermissionDenied
   */
  require(
    operation: ApprovableOperation,
    object: Pick<ManagedObject, 'id'> & { readonly version?: number },
  ): void;
  /**
   * To be called when a value leaves the server in the clear, or where clients may open it, by Get or Export.
   * @throws {ApprovalMissingError} PermissionDenied
   */
  requireDisclosure(object: Pick<ManagedObject, 'id' | 'type' | 'version' | 'provenance' | 'value'>): void;
}

/** An answer to an earlier request, which Poll returns. */
export interface EarlierAnswer {
  readonly operation: OperationName;
  readonly status: ResultStatus;
  readonly reason?: Reason | undefined;
  readonly message?: string | undefined;
  readonly asynchronousCorrelationValue?: Uint8Array;
  /** The encoded ResponsePayload. */
  readonly payload?: Uint8Array | undefined;
}

/** Port: a connection on which server and client can exchange their roles. */
export interface Channel {
  /** Name of the client that authenticated the connection. */
  readonly client: string;
  /**
   * Exchanges the roles once the current message is answered; the server's first request is of that version.
   */
  reverse(version: Version): void;
}

/** Port: the connection of a client whose certificate is replaced. */
export interface SessionControl {
  /**
   * Before the commit: for a short time the connection may stay open where its client is enrolled by that
   * certificate (DER).
   */
  expect(certificate: Uint8Array): void;
  /** After the commit: closes the client's other connections. */
  replaced(): void;
}

/** Request fields that say which of several parts the data is, and the data. */
export interface MultiPartFields {
  readonly Data?: Uint8Array | undefined;
  readonly CorrelationValue?: Uint8Array | undefined;
  readonly InitIndicator?: boolean | undefined;
  readonly FinalIndicator?: boolean | undefined;
}

/**
 * One part of multi-part data; `S` is the state that is kept between the parts, `K` what it keeps of the
 * first request and the key's attributes.
 */
export interface MultiPartSpec<S, K = undefined> {
  readonly operation: OperationName;
  /** Identifier of the key; all parts must name the same. */
  readonly object?: string;
  readonly request: MultiPartFields;
  /**
   * Returns, at the first part, the plain data that the state needs at later parts; none when left out. The
   * port copies it and counts its bytes.
   */
  kept?(): K;
  /** Creates the state at the first part. It must refer to nothing of the request but what is `kept`. */
  start(kept: K): S;
  /** Bytes of this part that the state keeps until the last part; none when left out. */
  keptBytes?(state: S): number;
}

/**
 * Port: state of data that comes in several messages, kept in memory between them, bounded in number and
 * time.
 */
export interface MultiPart {
  /**
   * Runs one step, once however often the message is executed, and adds the Correlation Value to its answer
   * unless the step is the last. An error discards the state. Changes that a step makes to objects would be
   * lost when the message is executed again: make them outside.
   * @throws {KmipError} InvalidCorrelationValue (1.x: ItemNotFound) when the client has no such state,
   *   ServerLimitExceeded when too many or too many bytes are kept
   */
  take<S, A extends object, K = undefined>(
    spec: MultiPartSpec<S, K>,
    step: (stream: S, last: boolean) => A | Promise<A>,
  ): Promise<A & { CorrelationValue?: Uint8Array }>;
}

/**
 * Port: counts failures of a client with a key, named by its identifier. After too many failures both methods
 * reject with CryptographyFailedError, decryption with `decryptionFailed()`, without calling the function;
 * else errors of the function pass through.
 */
export interface Attempts {
  decrypting<T>(key: string, open: () => T | Promise<T>): Promise<T>;
  verifying<T>(key: string, verify: () => T | Promise<T>, isValid: (value: T) => boolean): Promise<T>;
}

/**
 * Port: counts, durably and whatever becomes of the message, the encryptions of a key under Initialization
 * Vectors of the server.
 */
export interface RandomIvUses {
  /** @throws {KmipError} UsageLimitExceeded when the key, named by its identifier, has none left */
  count(key: string): Promise<void>;
}

/** Port: a token in which keys are made. */
export interface TokenKeyStorage {
  readonly keys: TokenKeys;
  /**
   * Writes the record of a key that is about to be made for that object, durably and whatever becomes of the
   * message.
   */
  announce(reference: TokenKeyReference, object: string): Promise<void>;
  /** Removes a key that was announced and that no object gets, in the background. */
  discard(reference: TokenKeyReference): void;
}

/** Properties of the server that clients can ask for, and its log. */
export interface ServerDescription {
  readonly vendor: string;
  readonly name: string;
  readonly version: string;
  /** Operations offered in that version, in the order of the table. */
  operations(version: Version): readonly OperationName[];
  /** Whether there is an HTTPS listener; none when left out. */
  readonly https?: boolean;
  /** URL of the CRLs of issuers; `{issuer}` stands for the identifier of the issuer's certificate. */
  readonly revocationListUrl?: string | undefined;
  /** Conformance test mode (`--interop`). */
  readonly interop: boolean;
  /** Only one object of a group may have a given Name. */
  readonly uniqueNames: boolean;
  /** Validations of the token that the operator states; none when left out. */
  readonly validations?: readonly ValidationInformation[];
  /** Writes a client's message into the log. */
  log(client: string, message: string): void;
}

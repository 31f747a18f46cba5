/** Port between `protocol/` and the observers of requests. Events contain only values that may be logged. */
export interface RequestObserver {
  /** A batch item was answered. */
  answered(event: AnsweredBatchItem): void;
  /** A whole message was refused before any item ran. */
  refused(event: RefusedMessage): void;
  /** The credentials of a message are wrong or missing; most or all of its items were refused. */
  authenticationFailed(event: FailedAuthentication): void;
  /** The role of a client lacks a permission that a batch item needs. */
  permissionRefused(event: RefusedPermission): void;
  /** A request of a client waits for the approval of an administrator; nobody is told when left out. */
  approvalAsked?(event: AskedApproval): void;
  /**
   * A client failed too often to decrypt, unwrap or verify with a key; at most once a minute for each key.
   */
  attemptsExhausted(event: ExhaustedAttempts): void;
  /** A batch item would have made an object for which the quota of the group has no place. */
  quotaExhausted(event: ExhaustedQuota): void;
  /** A transient failure or a bug; the client received only the reference. */
  requestFailed(event: UnexpectedFailure): void;
}

/** Result of one batch item. */
export interface AnsweredBatchItem {
  /** KMIP name; `unknown` for numbers outside the dictionary. */
  readonly operation: string;
  readonly version: string;
  /** `Success`, `OperationFailed`, `OperationUndone` or `OperationPending`. */
  readonly result: string;
  readonly reason?: string | undefined;
  /** Result Message of the response; contains attribute names and states, never values. */
  readonly message?: string | undefined;
  /** Time from the arrival of the whole message to the commit of all its items. */
  readonly milliseconds: number;
  readonly client: string;
  readonly connection: string;
}

/** Why a message was refused. */
export interface RefusedMessage {
  readonly version: string;
  readonly reason: string;
  readonly message: string;
  readonly client: string;
  readonly connection: string;
  /** Remote address as host:port; undefined for a job. */
  readonly peer?: string | undefined;
}

/** Why the credentials of a message were refused. */
export interface FailedAuthentication {
  /** One of a few fixed texts without secrets or text of the client. */
  readonly reason: string;
  readonly client: string;
  readonly connection: string;
  /** Remote address as host:port. */
  readonly peer: string;
}

/** A permission that a role lacks. */
export interface RefusedPermission {
  readonly client: string;
  /** Name of the role; absent when the client is not enrolled any more. */
  readonly role: string | undefined;
  /** KMIP name of the operation or of a permission beside them, or the place of a restriction of the role. */
  readonly operation: string;
  /** `job` for pending requests. */
  readonly connection: string;
}

/** A request of a client that waits for an approval. */
export interface AskedApproval {
  readonly client: string;
  readonly role: string | undefined;
  /** The number by which administrators name it. */
  readonly approval: string;
  /** What of it is under the two-person rule. */
  readonly operations: readonly string[];
}

/** A client that may not use a key for a minute. */
export interface ExhaustedAttempts {
  readonly client: string;
  /** Unique Identifier of the key. */
  readonly object: string;
}

/** A client whose group has no place for another object. */
export interface ExhaustedQuota {
  readonly client: string;
}

/** An internal error; `reference` connects the response with the log. */
export interface UnexpectedFailure {
  readonly error: unknown;
  readonly reference: string;
  readonly client: string;
  readonly connection: string;
  /** Remote address as host:port; undefined for a job. */
  readonly peer?: string | undefined;
}

/** Port between listeners and the observers of connections. */
export interface ListenerObserver {
  /** A client was authenticated and its connection accepted. */
  connectionOpened(event: OpenedConnection): void;
  /** An accepted connection has closed, for any reason. */
  connectionClosed(event: { readonly client: string; readonly connection: string }): void;
  /** The server ends an accepted connection for a reason other than idle time. */
  connectionEnded(event: EndedConnection): void;
  /** A connection ended before its client was authenticated. */
  handshakeRefused(event: RefusedHandshake): void;
  /** The listening socket reported an error. */
  listenerFailed(error: Error): void;
}

/** An accepted connection. */
export interface OpenedConnection {
  readonly client: string;
  readonly connection: string;
  /** Remote address as host:port. */
  readonly peer: string;
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly protocol: string;
  readonly resumed: boolean;
}

/** Why the server ended a connection. */
export interface EndedConnection {
  readonly client: string;
  readonly connection: string;
  /** Remote address as host:port. */
  readonly peer: string;
  readonly reason: string;
  /** Present for an internal error. */
  readonly error?: unknown;
}

/**
 * Why a handshake failed; `fingerprint` and `client` when they are known. `message` tells what the operator
 * can do.
 */
export interface RefusedHandshake {
  readonly reason: string;
  readonly peer: string;
  readonly level: 'warn' | 'debug';
  readonly fingerprint?: string | undefined;
  readonly client?: string | undefined;
  /** Subject of the certificate at fault. */
  readonly subject?: string | undefined;
  readonly message?: string | undefined;
}

/** Port between the server's own requests to clients and their observers. */
export interface EndpointObserver {
  /** A client has described itself; from now on the server notifies it of changes. */
  endpointReady(event: ReadyEndpoint): void;
  /** A client has answered a request with success or failure. */
  requestAnswered(event: AnsweredServerRequest): void;
  /** The client will not be notified of these changes, because too many waited for it. */
  changesDropped(event: {
    readonly client: string;
    readonly connection: string;
    readonly changes: number;
  }): void;
  /** A connection to a client's address failed or ended; the next attempt follows after `milliseconds`. */
  unreachable(event: {
    readonly client: string;
    readonly peer: string;
    readonly reason: string;
    readonly milliseconds: number;
  }): void;
  /** An internal error or a transient failure. */
  failed(event: { readonly client?: string; readonly connection?: string; readonly error: unknown }): void;
}

/** A client that accepts requests of the server. */
export interface ReadyEndpoint {
  readonly client: string;
  readonly connection: string;
  readonly version: string;
  /** Vendor Identification of the client. */
  readonly vendor: string | undefined;
  /** Operations that the client supports. */
  readonly operations: readonly string[];
}

/** A client's response to one request of the server. */
export interface AnsweredServerRequest {
  readonly client: string;
  readonly connection: string;
  readonly operation: string;
  readonly version: string;
  /** `Success` or `OperationFailed`. */
  readonly result: string;
  readonly reason: string | undefined;
  /** Time from the request to the response. */
  readonly milliseconds: number;
}

/** Port between the protocol room and the watch: what happened, in words and numbers that may be logged. */
export interface RequestObserver {
  /** One batch item was answered. */
  answered(event: AnsweredBatchItem): void;
  /** A whole message was refused before any item ran. */
  refused(event: RefusedMessage): void;
  /** The header of a message did not prove that its client may speak; the items were refused, most of them at least. */
  authenticationFailed(event: FailedAuthentication): void;
  /** A client has failed to decrypt, unwrap or verify too often with a key; told once a minute for each key. */
  attemptsExhausted(event: ExhaustedAttempts): void;
  /** Weather or a bug; the client got only the reference. */
  requestFailed(event: UnexpectedFailure): void;
}

export interface AnsweredBatchItem {
  /** KMIP name; `unknown` for numbers outside the dictionary. */
  readonly operation: string;
  readonly version: string;
  /** `Success`, `OperationFailed`, `OperationUndone` or `OperationPending`. */
  readonly result: string;
  readonly reason?: string | undefined;
  /** Text the client got; names attributes and states, never values. */
  readonly message?: string | undefined;
  /** From the whole message's arrival to the commit of all its items. */
  readonly milliseconds: number;
  readonly client: string;
  readonly connection: string;
}

export interface RefusedMessage {
  readonly version: string;
  readonly reason: string;
  readonly message: string;
  /** Absent when the framing broke before a conversation began. */
  readonly client?: string | undefined;
  readonly connection?: string | undefined;
}

export interface FailedAuthentication {
  /** One of a few texts, which name no secret and nothing that the client chose. */
  readonly reason: string;
  readonly client: string;
  readonly connection: string;
}

export interface ExhaustedAttempts {
  readonly client: string;
  /** Unique Identifier of the key. */
  readonly object: string;
}

export interface UnexpectedFailure {
  readonly error: unknown;
  readonly reference: string;
  readonly client: string;
  readonly connection: string;
}

/** Port between the listener and the watch: who came, who was turned away and why. */
export interface ListenerObserver {
  connectionOpened(event: OpenedConnection): void;
  connectionClosed(event: { readonly client: string; readonly connection: string }): void;
  /** A connection that was open has been ended by the server, for more than silence. */
  connectionEnded(event: EndedConnection): void;
  handshakeRefused(event: RefusedHandshake): void;
  listenerFailed(error: Error): void;
}

export interface OpenedConnection {
  readonly client: string;
  readonly connection: string;
  /** Remote address as host:port. */
  readonly peer: string;
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly protocol: string;
  readonly resumed: boolean;
}

export interface EndedConnection {
  readonly client: string;
  readonly connection: string;
  readonly reason: string;
  /** Present when it is a bug of ours. */
  readonly error?: unknown;
}

export interface RefusedHandshake {
  readonly reason: string;
  readonly peer: string;
  readonly level: 'warn' | 'debug';
  readonly fingerprint?: string | undefined;
  readonly client?: string | undefined;
}

/** Port between the requests of the server to its clients and the watch. */
export interface EndpointObserver {
  /** A client has answered what it is; from now on it is told of changes. */
  endpointReady(event: ReadyEndpoint): void;
  /** A client has answered one request, or refused it. */
  requestAnswered(event: AnsweredServerRequest): void;
  /** Changes that a client will not hear of, because too many waited for it. */
  changesDropped(event: {
    readonly client: string;
    readonly connection: string;
    readonly changes: number;
  }): void;
  /** No connection can be had to where a client is said to wait; the next attempt is made after that time. */
  unreachable(event: {
    readonly client: string;
    readonly peer: string;
    readonly reason: string;
    readonly milliseconds: number;
  }): void;
  /** A bug of ours, or weather. */
  failed(event: { readonly client?: string; readonly connection?: string; readonly error: unknown }): void;
}

export interface ReadyEndpoint {
  readonly client: string;
  readonly connection: string;
  readonly version: string;
  /** As the client calls its maker. */
  readonly vendor: string | undefined;
  /** As the client names them. */
  readonly operations: readonly string[];
}

export interface AnsweredServerRequest {
  readonly client: string;
  readonly connection: string;
  readonly operation: string;
  readonly version: string;
  /** `Success` or `OperationFailed`. */
  readonly result: string;
  readonly reason: string | undefined;
  /** From the request to the answer. */
  readonly milliseconds: number;
}

/** Port between the protocol room and the watch: what happened, in words and numbers that may be logged. */
export interface RequestObserver {
  /** One batch item was answered. */
  answered(event: AnsweredItem): void;
  /** A whole message was refused before any item ran. */
  refused(event: RefusedMessage): void;
  /** Weather or a bug; the client got only the reference. */
  unexpected(event: UnexpectedFailure): void;
}

export interface AnsweredItem {
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

export interface UnexpectedFailure {
  readonly error: unknown;
  readonly reference: string;
  readonly client: string;
  readonly connection: string;
}

/** Port between the listener and the watch: who came, who was turned away and why. */
export interface DoorObserver {
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

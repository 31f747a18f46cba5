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

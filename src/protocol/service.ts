import type { Principal } from '../identity/principal.ts';

/** What the transport knows about the connection a message came on. */
export interface Conversation {
  readonly principal: Principal;
  /** Short id of the connection, for logs. */
  readonly connection: string;
  /** Remote address as host:port, for logs. */
  readonly peer: string;
}

/** Port between `net/` and `protocol/`: one framed request in, one encoded response out. */
export interface MessageService {
  /**
   * Answers one whole TTLV message. Never rejects: every failure becomes an encoded response. `close`: the framing can
   * no longer be trusted, send the response and end the connection.
   */
  respond(request: Uint8Array, conversation: Conversation): Promise<{ response: Uint8Array; close: boolean }>;
  /** The last answer on a connection whose bytes are not framed as TTLV; `reason` goes to the client. */
  refuseFraming(reason: string): Uint8Array;
}

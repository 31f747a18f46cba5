import type { Version } from '../../codec/version.ts';
import type { Principal } from '../identity/principal.ts';
import type { Channel, SessionControl } from '../operations/context.ts';

/** What the transport knows about the connection a message came on. */
export interface Conversation {
  readonly principal: Principal;
  /** Short id of the connection, for logs. */
  readonly connection: string;
  /** Remote address as host:port, for logs. */
  readonly peer: string;
  /** Proofs of identity that have been shown on this connection, as keyed digests; gone with it. */
  readonly memory?: Set<string>;
  /** The connection itself, where the roles on it can be exchanged. */
  readonly channel?: Channel | undefined;
  /** How it stands to the directory of clients, where somebody looks after that. */
  readonly sessionControl?: SessionControl;
}

/** Port between `net/` and `protocol/`: one framed request in, one encoded response out. */
export interface MessageService {
  /**
   * Answers one whole TTLV message. Never rejects: every failure becomes an encoded response. `close`: the framing can
   * no longer be trusted, send the response and end the connection.
   */
  respond(request: Uint8Array, conversation: Conversation): Promise<{ response: Uint8Array; close: boolean }>;
  /**
   * The answer to what cannot be read as a message at all; `reason` goes to the client. `version`: what it was probably
   * meant in, the oldest when nothing is known.
   */
  refuseFraming(reason: string, version?: Version, conversation?: Conversation): Uint8Array;
}

/** The service as whoever starts it sees it. */
export interface Service extends MessageService {
  /** Messages that were answered as pending and are not done yet, as far as this process knows. */
  readonly pendingJobs: number;
  /** Takes up what a restart, another node or bad weather has left; the service does so itself every few seconds. */
  lookForJobs(): Promise<void>;
  /** Waits a while for jobs at work; what is not done then is done after the next start. Before the store is closed. */
  close(): Promise<void>;
}

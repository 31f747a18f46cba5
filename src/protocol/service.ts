import type { Version } from '../../codec/version.ts';
import type { Principal } from '../identity/principal.ts';
import type { Channel, SessionControl } from '../operations/context.ts';

/** Properties of the connection that a message came on. */
export interface Conversation {
  readonly principal: Principal;
  /** Short id of the connection, for logs. */
  readonly connection: string;
  /** Remote address as host:port, for logs. */
  readonly peer: string;
  /** Keyed digests of the credentials that were verified on this connection; dropped with it. */
  readonly memory?: Set<string>;
  /** The connection itself, where client and server can exchange their roles on it. */
  readonly channel?: Channel | undefined;
  /**
   * Lets the session outlive the certificate that its client replaces; absent where sessions are not
   * rechecked.
   */
  readonly sessionControl?: SessionControl;
  /** Whether the client may still read an answer; absent where that is not known. */
  isOpen?(): boolean;
  /** Whether the client has closed its side, after which it may still read; absent where not known. */
  hasClientEnded?(): boolean;
}

/** Port between `net/` and `protocol/`: one framed request in, one encoded response out. */
export interface MessageService {
  /**
   * Answers one whole TTLV message with an encoded response. Never rejects: every failure becomes a response.
   * `close` tells that the framing can no longer be trusted: the caller sends the response and ends the
   * connection.
   */
  respond(request: Uint8Array, conversation: Conversation): Promise<{ response: Uint8Array; close: boolean }>;
  /**
   * Returns the encoded response to bytes that are no message; the client reads `reason` in it. `version` is
   * the probable version of the request, the oldest one when left out.
   */
  refuseFraming(reason: string, conversation: Conversation, version?: Version): Uint8Array;
}

/** A job whose records are committed. */
export interface JobToRun {
  readonly id: string;
  readonly group: string;
  readonly client: string;
  /** The account that the job is counted for: `accountOf`. */
  readonly account: string;
}

/** The message service with the controls that the daemon needs. */
export interface Service extends MessageService {
  /** Number of messages that were answered as pending and are not done yet, as far as this process knows. */
  readonly pendingJobs: number;
  /**
   * Queues jobs that a restart, another node or a transient failure has left; the service does so itself
   * every few seconds. Rejects when the store does.
   */
  lookForJobs(): Promise<void>;
  /** Queues a job that an administrator has approved; its records are committed. */
  runJob(job: JobToRun): void;
  /**
   * Stops background work and waits for running jobs, at most `limits.drainMilliseconds`. Jobs that are not
   * done then continue after the next start. Has to be called before the store is closed.
   */
  close(): Promise<void>;
}

import type { TLSSocket } from 'node:tls';
import { Framer } from '../../codec/framer.ts';
import type { Version } from '../../codec/version.ts';
import { WireError } from '../../codec/wire-error.ts';
import { flushBarrier } from '../common/flush-barrier.ts';
import type { Limits } from '../common/limits.ts';
import type { Principal } from '../identity/principal.ts';
import type { Endpoints } from '../protocol/endpoints/endpoints.ts';
import type { Conversation, MessageService } from '../protocol/service.ts';
import type { EndedConnection } from '../watch/observer.ts';
import { Deadline } from './deadline.ts';
import { ResponseWriter } from './response-writer.ts';
import { ServerRequestChannel } from './server-request-channel.ts';
import { closeGracefully } from './tls-close.ts';

/** Bytes and chunks that are buffered while a message is answered; beyond either bound, reading pauses. */
const maxReadAheadBytes = 65_536;
const maxReadAheadChunks = 16;

const requestOutOfTurn = 'request received while the server sends requests';

/** What a listener gives to a protocol connection. */
export interface ConnectionOptions {
  readonly socket: TLSSocket;
  readonly conversation: Conversation;
  readonly service: MessageService;
  readonly limits: Limits;
  /** Receives the channel when the client exchanges the roles; without it, a client cannot exchange them. */
  readonly endpoints?: Pick<Endpoints, 'serve'> | undefined;
  /**
   * Whether the next message may be executed; asked before each, and false when the connection has been
   * ended.
   */
  mayContinue(): boolean | Promise<boolean>;
  /** Returns the client as it is enrolled now; undefined when the connection has to end. */
  reauthenticate(): Promise<Principal | undefined>;
  /** Is notified when the server ends the connection because of an error or a broken rule. */
  connectionEnded(event: EndedConnection): void;
}

/**
 * One authenticated connection with plain TTLV. Messages are answered one at a time and in order; at most one
 * response waits in the socket. Three deadlines apply: for a message from its first byte to its last, for
 * sending a response, and for idle time. After Set Endpoint Role the server sends requests and the client
 * answers; the idle deadline is off then, because TCP keep-alive detects a dead peer.
 */
export class Connection {
  readonly socket: TLSSocket;
  /** Replaced when the client's directory entry changes; applies from the next message on. */
  conversation: Conversation;
  readonly #options: ConnectionOptions;
  #framer: Framer;
  /** Defined while the server sends the requests. */
  #serverRequests: ServerRequestChannel | undefined;
  /** Set when the roles are exchanged after the current response: version of the server's first request. */
  #pendingReversal: Version | undefined;
  readonly #readAhead: Buffer[] = [];
  #readAheadBytes = 0;
  #isBusy = false;
  /** The client has closed its side; messages that have arrived are still answered. */
  #hasClientEnded = false;
  /** The current message is the last one. */
  #isFinishing = false;
  #isClosing = false;
  readonly #responses: ResponseWriter;
  readonly #messageDeadline: Deadline;

  constructor(options: ConnectionOptions) {
    const { socket, limits } = options;
    this.#options = options;
    this.socket = socket;
    const channel = new ConnectionChannel(this, (version) => {
      this.#pendingReversal = version;
    });
    this.conversation =
      options.endpoints === undefined ? options.conversation : { ...options.conversation, channel };
    this.#framer = new Framer('RequestMessage', limits.requestBytes);
    this.#responses = new ResponseWriter(socket, limits.writeMilliseconds, () =>
      this.#abort('response not read in time'),
    );
    this.#messageDeadline = new Deadline(limits.messageMilliseconds, () =>
      this.#endLate('message not completed in time'),
    );
    // A client may close its side after its last request and still wait for the response.
    socket.allowHalfOpen = true;
    socket.setTimeout(limits.idleMilliseconds, () => this.#closeWhenIdle());
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => {
      this.#hasClientEnded = true;
      if (!this.#isBusy) this.#close();
    });
    socket.on('close', () => {
      this.#isClosing = true;
      this.#messageDeadline.stop();
      this.#serverRequests?.end();
      this.#responses.end();
    });
  }

  /**
   * Ends the connection at the next message boundary: at once when no message has begun, else after its
   * response.
   */
  finish(): void {
    this.#isFinishing = true;
    this.#serverRequests?.finish();
    if (!this.#isBusy && !this.#framer.hasPartialMessage && !this.#serverRequests?.isBusy) this.#close();
  }

  #receive(chunk: Buffer): void {
    if (this.#isClosing) return;
    this.#readAhead.push(chunk);
    this.#readAheadBytes += chunk.length;
    if (!this.#isBusy) void this.#serve();
    else if (this.#isReadAheadFull()) this.socket.pause();
  }

  #isReadAheadFull(): boolean {
    return this.#readAheadBytes > maxReadAheadBytes || this.#readAhead.length > maxReadAheadChunks;
  }

  async #serve(): Promise<void> {
    this.#isBusy = true;
    try {
      for (let chunk = this.#readAhead.shift(); chunk !== undefined; chunk = this.#readAhead.shift()) {
        this.#readAheadBytes -= chunk.length;
        if (this.#serverRequests !== undefined) this.#serverRequests.receive(chunk);
        else if (!(await this.#answerMessages(chunk))) break;
        if (this.socket.isPaused() && !this.#isReadAheadFull()) this.socket.resume();
      }
    } catch (error) {
      await this.#fail(error);
    }
    this.#isBusy = false;
    if (
      this.#hasClientEnded ||
      (this.#isFinishing && !this.#framer.hasPartialMessage && !this.#serverRequests?.isBusy)
    )
      this.#close();
  }

  /** Answers the messages that `chunk` completes; resolves with false when no further message may begin. */
  async #answerMessages(chunk: Buffer): Promise<boolean> {
    for (const message of this.#framer.push(chunk)) {
      if (this.#serverRequests !== undefined) return this.#abort(requestOutOfTurn);
      this.#messageDeadline.stop();
      const mayContinue = this.#options.mayContinue();
      if (mayContinue !== true && !(await mayContinue)) return false;
      const { response, close } = await this.#options.service.respond(message, this.conversation);
      await flushBarrier();
      const sent = this.#responses.write(response);
      if (sent !== undefined) await sent;
      if (close) this.#isFinishing = true;
      if (this.#isFinishing || this.#isClosing) return false;
      if (this.#pendingReversal !== undefined) this.#reverse(this.#pendingReversal);
    }
    if (!this.#framer.hasPartialMessage) return true;
    if (this.#serverRequests !== undefined) return this.#abort(requestOutOfTurn);
    this.#messageDeadline.start();
    return true;
  }

  /** Exchanges the roles: the server sends requests from now on. */
  #reverse(version: Version): void {
    this.#pendingReversal = undefined;
    this.socket.setTimeout(0);
    const serverRequests = new ServerRequestChannel(
      {
        write: (request) => void this.#responses.write(request),
        cut: (reason) => void this.#abort(reason),
        releaseRole: () => this.#resumeAnswering(),
      },
      this.#options.limits,
    );
    this.#serverRequests = serverRequests;
    void this.#options.endpoints?.serve({
      channel: serverRequests,
      version,
      conversation: () => this.conversation,
      authorise: () => this.#options.reauthenticate(),
    });
  }

  /** Returns to answering requests; false when the connection is ending. */
  #resumeAnswering(): boolean {
    if (this.#isFinishing || this.#isClosing) return false;
    this.#serverRequests = undefined;
    this.#framer = new Framer('RequestMessage', this.#options.limits.requestBytes);
    this.socket.setTimeout(this.#options.limits.idleMilliseconds);
    return true;
  }

  /**
   * Ends the connection, with a last response when the bytes were not a message. Other errors are reported.
   */
  async #fail(error: unknown): Promise<void> {
    this.#isFinishing = true;
    try {
      if (!(error instanceof WireError)) throw error;
      await this.#responses.write(this.#options.service.refuseFraming(error.message, this.conversation));
    } catch (bug) {
      this.#abort('internal error', bug);
    }
    this.#close();
  }

  #close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#responses.finish();
    this.#messageDeadline.stop();
    // Unread bytes would turn the close into a TCP reset, which can overtake the last response.
    this.#readAhead.length = 0;
    this.socket.resume();
    this.socket.setTimeout(0);
    closeGracefully(this.socket, this.#options.limits.writeMilliseconds);
  }

  /** Reports that a message does not end, and closes; an earlier response may still be on its way. */
  #endLate(reason: string): void {
    const { principal, connection, peer } = this.conversation;
    this.#options.connectionEnded({ reason, client: principal.client, connection, peer });
    this.#close();
  }

  /** Reports the reason and destroys the socket; returns false as the result of `#answerMessages`. */
  #abort(reason: string, error?: unknown): false {
    const { principal, connection, peer } = this.conversation;
    this.#options.connectionEnded({ reason, client: principal.client, connection, peer, error });
    this.socket.destroy();
    return false;
  }

  #closeWhenIdle(): void {
    if (!this.#isBusy) this.#close();
  }
}

type Channel = NonNullable<Conversation['channel']>;

/** The connection as operations see it. */
class ConnectionChannel implements Channel {
  readonly #connection: Connection;
  readonly reverse: Channel['reverse'];

  constructor(connection: Connection, reverse: Channel['reverse']) {
    this.#connection = connection;
    this.reverse = reverse;
  }

  get client(): string {
    return this.#connection.conversation.principal.client;
  }
}

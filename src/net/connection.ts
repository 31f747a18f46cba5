import type { TLSSocket } from 'node:tls';
import { Framer } from '../../codec/framer.ts';
import type { Version } from '../../codec/version.ts';
import { WireError } from '../../codec/wire-error.ts';
import type { Limits } from '../common/limits.ts';
import type { Endpoints } from '../protocol/endpoints/endpoints.ts';
import type { Conversation, MessageService } from '../protocol/service.ts';
import type { EndedConnection } from '../watch/observer.ts';
import { Deadline } from './deadline.ts';
import { flushBarrier } from './flush-barrier.ts';
import { ResponseWriter } from './response-writer.ts';
import { ServerRequestChannel } from './server-request-channel.ts';
import { closeGracefully } from './tls-close.ts';

/** What a client may send ahead while its message is being answered; beyond that nothing is read. */
const maxReadAheadBytes = 65_536;
const maxReadAheadChunks = 16;

const requestOutOfTurn = 'it speaks although it is to answer';

export interface ConnectionOptions {
  readonly socket: TLSSocket;
  readonly conversation: Conversation;
  readonly service: MessageService;
  readonly limits: Limits;
  /** Takes over when the client exchanges the roles; when left out it cannot. */
  readonly endpoints?: Pick<Endpoints, 'serve'> | undefined;
  /** The server ended the connection for a reason that somebody may want to know. */
  connectionEnded(event: EndedConnection): void;
}

/**
 * One authenticated connection. Messages are answered one at a time and in order; at most one answer waits in the
 * socket. Every wait has its deadline: a message from first byte to last, an answer until it is sent, and silence. After
 * Set Endpoint Role the server asks here and the client answers; silence may then last, TCP sees whether it is alive.
 */
export class Connection {
  readonly socket: TLSSocket;
  /** Replaced when the client's entry in the directory has changed; counts from the next message on. */
  conversation: Conversation;
  readonly #options: ConnectionOptions;
  #framer: Framer;
  /** There while the server is the one that asks. */
  #serverRequests: ServerRequestChannel | undefined;
  /** The roles are exchanged after the answer in hand: version of the server's first request. */
  #pendingReversal: Version | undefined;
  readonly #readAhead: Buffer[] = [];
  #readAheadBytes = 0;
  #isBusy = false;
  /** The client has closed its side: what has arrived is still answered. */
  #hasClientEnded = false;
  /** After the message in hand none is begun. */
  #isFinishing = false;
  #isClosing = false;
  readonly #responses: ResponseWriter;
  readonly #messageDeadline: Deadline;

  constructor(options: ConnectionOptions) {
    const { socket, limits } = options;
    this.#options = options;
    this.socket = socket;
    const channel = {
      client: options.conversation.principal.client,
      reverse: (version: Version) => void (this.#pendingReversal = version),
    };
    this.conversation =
      options.endpoints === undefined ? options.conversation : { ...options.conversation, channel };
    this.#framer = new Framer('RequestMessage', limits.requestBytes);
    this.#responses = new ResponseWriter(socket, limits.writeMilliseconds, () =>
      this.#abort('it does not read its answers'),
    );
    this.#messageDeadline = new Deadline(limits.messageMilliseconds, () =>
      this.#abort('it did not finish a message in time'),
    );
    // A client that has said everything may still be waiting for the answer.
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

  /** Ends the connection at the next message boundary: at once when no message has begun, else after its answer. */
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

  /** Answers the messages that a chunk completes; false when no further one is to be begun. */
  async #answerMessages(chunk: Buffer): Promise<boolean> {
    for (const message of this.#framer.push(chunk)) {
      if (this.#serverRequests !== undefined) return this.#abort(requestOutOfTurn);
      this.#messageDeadline.stop();
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

  /** From now on the server asks; what the client had sent ahead was out of turn. */
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
    });
  }

  #resumeAnswering(): boolean {
    if (this.#isFinishing || this.#isClosing) return false;
    this.#serverRequests = undefined;
    this.#framer = new Framer('RequestMessage', this.#options.limits.requestBytes);
    this.socket.setTimeout(this.#options.limits.idleMilliseconds);
    return true;
  }

  /** Bytes that are no message get a last answer. Anything else is a bug of ours and costs this connection only. */
  async #fail(error: unknown): Promise<void> {
    this.#isFinishing = true;
    try {
      if (!(error instanceof WireError)) throw error;
      await this.#responses.write(this.#options.service.refuseFraming(error.message));
    } catch (bug) {
      this.#abort('a bug of the server', bug);
    }
    this.#close();
  }

  #close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#responses.finish();
    this.#messageDeadline.stop();
    // Bytes left unread would turn our goodbye into a reset, which can overtake the last answer.
    this.#readAhead.length = 0;
    this.socket.resume();
    this.socket.setTimeout(0);
    closeGracefully(this.socket, this.#options.limits.writeMilliseconds);
  }

  #abort(reason: string, error?: unknown): false {
    const { principal, connection } = this.conversation;
    this.#options.connectionEnded({ reason, client: principal.client, connection, error });
    this.socket.destroy();
    return false;
  }

  #closeWhenIdle(): void {
    if (!this.#isBusy) this.#close();
  }
}

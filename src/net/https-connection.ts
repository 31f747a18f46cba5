import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { WireError } from '../../codec/wire-error.ts';
import type { Conversation } from '../protocol/service.ts';
import type { ConnectionOptions } from './connection.ts';
import { Deadline } from './deadline.ts';
import {
  ConnectionGoneError,
  type HttpResponse,
  readBody,
  toErrorResponse,
  toMessageResponse,
} from './https-body.ts';
import { type BodyDescription, readHead } from './https-head.ts';
import { closeGracefully } from './tls-close.ts';
import type { ProtocolConnection } from './transport.ts';

/**
 * Requests that may be pending on one connection, the one being answered included, before reading pauses.
 * Those of the chunk that has been read are pending too.
 */
const maxPipelinedRequests = 16;

/** KMIP Profiles demands no-cache; no-store, because a response may contain a key. */
const cacheControl = 'no-cache, no-store';

/** An HTTP request that was refused before its body was read as a message. */
export interface HttpRequestRefusal {
  readonly client: string;
  readonly connection: string;
  /** Status and text of the response. */
  readonly reason: string;
}

/**
 * One authenticated HTTP/1.1 connection: requests are answered one at a time and in order, under the
 * deadlines of plain TTLV. Node parses the requests; its own timeouts are off, because Node checks them only
 * every 30 s.
 */
export class HttpsConnection implements ProtocolConnection {
  readonly socket: TLSSocket;
  conversation: Conversation;
  readonly #options: ConnectionOptions;
  readonly #requestRefused: (event: HttpRequestRefusal) => void;
  /** Resolves when the requests so far are answered. */
  #lastResponse: Promise<void> = Promise.resolve();
  /** Requests that are not answered yet. */
  #pendingRequests = 0;
  /** A part of a request has arrived. */
  #isPartial = false;
  #lastRequest: IncomingMessage | undefined;
  /** The answer to a request whose body is followed by bytes that are not HTTP before it is complete. */
  readonly #brokenBody = Promise.withResolvers<HttpResponse>();
  #isFinishing = false;
  /** Nothing that follows on the connection can be trusted. */
  #isAmbiguous = false;
  /** Bytes that are not HTTP have arrived, so nothing that follows is read. */
  #isMalformed = false;
  /** Enough requests are pending: no more is read until one is answered. */
  #isHeld = false;
  #isClosing = false;
  readonly #messageDeadline: Deadline;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(
    options: ConnectionOptions,
    server: Server,
    requestRefused: (event: HttpRequestRefusal) => void,
  ) {
    const { socket } = options;
    this.#options = options;
    this.#requestRefused = requestRefused;
    this.socket = socket;
    this.conversation = options.conversation;
    const { messageMilliseconds } = options.limits;
    this.#messageDeadline = new Deadline(messageMilliseconds, () =>
      this.#endLate('message not completed in time'),
    );
    // A client may close its side after its last request and still wait for the response.
    socket.allowHalfOpen = true;
    server.emit('connection', socket);
    this.#takeOverFlow();
    // Added after the parser's own listener, so that a chunk may already have completed a request.
    socket.on('data', (chunk: Buffer) => this.#noteRequestBytes(chunk));
    socket.on('close', () => {
      this.#isClosing = true;
      this.#messageDeadline.stop();
      clearTimeout(this.#idleTimer);
    });
    this.#awaitRequest();
  }

  /** Ends the connection after the pending requests, with `Connection: close` in the last response. */
  finish(): void {
    this.#isFinishing = true;
    this.#continueOrClose();
  }

  /** Queues a request whose head has arrived. `expectsContinue`: the client waits for 100 Continue. */
  handleRequest(request: IncomingMessage, response: ServerResponse, expectsContinue = false): void {
    this.#isPartial = true;
    clearTimeout(this.#idleTimer);
    // `readBody` handles a client that disconnects; without a listener the error would end the process.
    request.on('error', () => {});
    request.once('end', () => {
      this.#isPartial = false;
      this.#messageDeadline.stop();
      this.#continueOrClose();
    });
    this.#lastRequest = request;
    this.#pendingRequests++;
    // The body of a waiting request is not read yet, so the message deadline must not run.
    if (this.#pendingRequests > 1) this.#messageDeadline.stop();
    this.#lastResponse = this.#lastResponse.then(() => this.#serve(request, response, expectsContinue));
  }

  /**
   * Closes because of bytes that are not HTTP, or that follow the last request, after the requests before
   * them have been answered (RFC 9112 §9.3.2, §9.6). Where no request was pending, `status` and one line of
   * text are the answer.
   */
  refuseMalformed(status: string, line: string): void {
    // The parser reports every further chunk.
    if (this.#isMalformed || this.#isClosing) return;
    this.#isMalformed = true;
    this.#isFinishing = true;
    const number = Number(status.split(' ', 1)[0]);
    this.#notifyRefusal(`${number}: ${line}`);
    if (this.#lastRequest?.complete === false)
      return this.#brokenBody.resolve(toErrorResponse({ status: number, line }));
    if (this.#pendingRequests > 0) return;
    if (!this.socket.writable) return void this.socket.destroy();
    this.socket.write(
      `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${line.length + 1}\r\n` +
        `Cache-Control: ${cacheControl}\r\nConnection: close\r\n\r\n${line}\n`,
    );
    this.#close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> {
    if (this.#isClosing) return;
    if (!request.complete) this.#messageDeadline.start();
    try {
      const { status, body, headers, secret } = await this.#answer(request, response, expectsContinue);
      // The rest of a refused body is discarded, within the deadline, so that the response can arrive.
      request.resume();
      // The requests behind this one are answered too, unless their beginning is uncertain.
      const isLast = this.#isFinishing && this.#pendingRequests === 1;
      if (isLast || this.#isAmbiguous) response.setHeader('Connection', 'close');
      response.writeHead(status, {
        ...headers,
        'Content-Length': body.length,
        'Cache-Control': cacheControl,
      });
      response.end(body);
      await this.#waitUntilSent(response);
      if (secret) body.fill(0);
      if (this.#isAmbiguous) this.#close();
    } catch (error) {
      if (!(error instanceof ConnectionGoneError)) this.#abort('internal error', error);
    }
    this.#pendingRequests--;
    this.#hold();
    this.#continueOrClose();
  }

  /**
   * Replaces the way in which Node's HTTP server reads and closes the socket: it resumes reading for every
   * body, and destroys the socket after the last response. Unread bytes would reset the connection then, and
   * the client could lose the response.
   */
  #takeOverFlow(): void {
    const { socket } = this;
    const resume = socket.resume.bind(socket);
    socket.resume = () => (this.#isHeld ? socket : resume());
    socket.destroySoon = () => this.#close();
  }

  /** Pauses reading while too many requests are pending, and resumes afterwards. */
  #hold(): void {
    const wasHeld = this.#isHeld;
    this.#isHeld = this.#pendingRequests > maxPipelinedRequests && !this.#isClosing;
    if (this.#isHeld) this.socket.pause();
    else if (wasHeld) this.socket.resume();
  }

  /** When everything that has arrived is answered: closes, or waits for the next request. */
  #continueOrClose(): void {
    if (this.#pendingRequests > 0 || this.#isPartial) return;
    if (this.#isFinishing) this.#close();
    else this.#awaitRequest();
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    expectsContinue: boolean,
  ): Promise<HttpResponse> {
    const head = readHead(request, this.#options.limits);
    if ('status' in head) {
      if (expectsContinue) response.setHeader('Connection', 'close');
      this.#isAmbiguous = head.status === 400;
      this.#notifyRefusal(`${head.status}: ${head.line}`);
      return toErrorResponse(head);
    }
    const tooLarge = () =>
      this.#refuseMessage(head, `the message has more than the ${head.maxBytes} bytes allowed`, 413);
    if ((head.length ?? 0) > head.maxBytes) {
      if (expectsContinue) response.setHeader('Connection', 'close');
      return tooLarge();
    }
    if (expectsContinue) response.writeContinue();
    const body = await (request.complete
      ? readBody(request, head)
      : Promise.race([readBody(request, head), this.#brokenBody.promise]));
    if (body === undefined) return tooLarge();
    if (!(body instanceof Uint8Array)) {
      this.#isAmbiguous = true;
      return body;
    }
    let message: Uint8Array;
    try {
      message = await head.encoding.toTtlv(body, this.#options.limits);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return this.#refuseMessage(head, error.message, 200, head.encoding.guessVersion(body));
    }
    if (!(await this.#options.mayContinue())) throw new ConnectionGoneError();
    const { response: answer, close } = await this.#options.service.respond(message, this.conversation);
    if (close) this.#isFinishing = true;
    return toMessageResponse(head, answer, 200);
  }

  /** A KMIP response to a body that is not a message. */
  #refuseMessage(
    head: BodyDescription,
    reason: string,
    status: number,
    version?: ReturnType<BodyDescription['encoding']['guessVersion']>,
  ): HttpResponse {
    const { service } = this.#options;
    return toMessageResponse(head, service.refuseFraming(reason, this.conversation, version), status);
  }

  /** Resolves when the response is sent or the connection is gone; aborts at the write deadline. */
  async #waitUntilSent(response: ServerResponse): Promise<void> {
    const late = () => this.#abort('response not read in time');
    const timer = setTimeout(late, this.#options.limits.writeMilliseconds);
    await finished(response).catch(() => {});
    clearTimeout(timer);
  }

  #notifyRefusal(reason: string): void {
    const { principal, connection } = this.conversation;
    this.#requestRefused({ client: principal.client, connection, reason });
  }

  #noteRequestBytes(chunk: Buffer): void {
    this.#hold();
    if (this.#isClosing || this.#pendingRequests > 0) return;
    // Some clients send an empty line after a body; it does not begin a request (RFC 9112 §2.2).
    if (chunk.length <= 2 && chunk.every((byte) => byte === 13 || byte === 10)) return;
    this.#isPartial = true;
    clearTimeout(this.#idleTimer);
    this.#messageDeadline.start();
  }

  #awaitRequest(): void {
    if (this.#isClosing) return;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#close(), this.#options.limits.idleMilliseconds);
  }

  #close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#messageDeadline.stop();
    clearTimeout(this.#idleTimer);
    this.#isHeld = false;
    // Unread bytes would turn the close into a TCP reset, which can overtake the last response.
    this.socket.resume();
    closeGracefully(this.socket, this.#options.limits.writeMilliseconds);
  }

  /** Reports that a request does not end; an earlier response may still be on its way. */
  #endLate(reason: string): void {
    if (this.#isClosing) return;
    const { principal, connection, peer } = this.conversation;
    this.#options.connectionEnded({ reason, client: principal.client, connection, peer });
    this.#close();
  }

  #abort(reason: string, error?: unknown): void {
    if (this.#isClosing) return;
    const { principal, connection, peer } = this.conversation;
    this.#options.connectionEnded({ reason, client: principal.client, connection, peer, error });
    this.socket.destroy();
  }
}

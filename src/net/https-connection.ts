import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { WireError } from '../../codec/wire-error.ts';
import type { Conversation } from '../protocol/service.ts';
import type { ConnectionOptions } from './connection.ts';
import { Deadline } from './deadline.ts';
import { type BodyDescription, type HttpError, readHead } from './https-head.ts';
import { closeGracefully } from './tls-close.ts';
import type { ProtocolConnection } from './transport.ts';

/** Requests that may be pending on one connection, the one being answered included. */
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

/** `CONNECTION_GONE`: the client closed the connection in the middle of a request. */
class ConnectionGoneError extends Error {
  override readonly name = 'ConnectionGoneError';
  readonly code = 'CONNECTION_GONE';
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
  #isFinishing = false;
  /** Nothing that follows on the connection can be trusted. */
  #isAmbiguous = false;
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
      this.#abort('message not completed in time'),
    );
    server.emit('connection', socket);
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
    this.#pendingRequests++;
    if (this.#pendingRequests > maxPipelinedRequests) return this.#abort('too many pipelined requests');
    // The body of a waiting request is not read yet, so the message deadline must not run.
    if (this.#pendingRequests > 1) this.#messageDeadline.stop();
    this.#lastResponse = this.#lastResponse.then(() => this.#serve(request, response, expectsContinue));
  }

  /** Answers bytes that are not HTTP with `status` and one line of text, then closes. */
  refuseMalformed(status: string, line: string): void {
    this.#notifyRefusal(`${status.split(' ', 1)[0]}: ${line}`);
    if (this.#pendingRequests > 0 || this.#isClosing || !this.socket.writable)
      return void this.socket.destroy();
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
      if (this.#isFinishing || this.#isAmbiguous) response.setHeader('Connection', 'close');
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
    this.#continueOrClose();
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
    const body = await readBody(request, head);
    if (body === undefined) return tooLarge();
    let message: Uint8Array;
    try {
      message = await head.encoding.toTtlv(body, this.#options.limits);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return this.#refuseMessage(head, error.message, 200, head.encoding.guessVersion(body));
    }
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
    closeGracefully(this.socket, this.#options.limits.writeMilliseconds);
  }

  #abort(reason: string, error?: unknown): void {
    if (this.#isClosing) return;
    const { principal, connection, peer } = this.conversation;
    this.#options.connectionEnded({ reason, client: principal.client, connection, peer, error });
    this.socket.destroy();
  }
}

interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The body may contain a key and is wiped after sending. */
  readonly secret: boolean;
}

function toErrorResponse({ status, line, headers }: HttpError): HttpResponse {
  const body = Buffer.from(`${line}\n`);
  return {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers },
    body,
    secret: false,
  };
}

/** Encodes a TTLV response for the request's media type; wipes the TTLV form when the encoding copies it. */
function toMessageResponse(
  { mediaType, encoding }: BodyDescription,
  answer: Uint8Array,
  status: number,
): HttpResponse {
  const body = encoding.fromTtlv(answer);
  if (body !== answer) answer.fill(0);
  return { status, headers: { 'Content-Type': mediaType }, body, secret: true };
}

/**
 * First size of a body's buffer without Content-Length, and the largest size allocated before bytes arrive.
 */
const initialBodyBytes = 4_096;
const maxInitialBodyBytes = 65_536;

/**
 * Reads a request's body into one buffer; resolves with undefined when the body exceeds `maxBytes`.
 *
 * @throws {ConnectionGoneError} when the connection closes before the body is complete.
 */
function readBody(
  request: IncomingMessage,
  { length, maxBytes }: BodyDescription,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    let body = new Uint8Array(Math.min(length ?? initialBodyBytes, maxInitialBodyBytes));
    let filled = 0;
    request.on('data', (chunk: Buffer) => {
      if (filled + chunk.length > maxBytes) {
        request.removeAllListeners('data');
        return resolve(undefined);
      }
      if (filled + chunk.length > body.length) {
        const larger = new Uint8Array(Math.min(length ?? maxBytes, 2 * (filled + chunk.length)));
        larger.set(body.subarray(0, filled));
        body = larger;
      }
      body.set(chunk, filled);
      filled += chunk.length;
    });
    request.once('end', () => resolve(body.subarray(0, filled)));
    request.once('close', () => reject(new ConnectionGoneError()));
  });
}

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { WireError } from '../../codec/wire-error.ts';
import type { Conversation } from '../protocol/service.ts';
import type { ConnectionOptions } from './connection.ts';
import { Deadline } from './deadline.ts';
import { type BodyDescription, type HttpError, readHead } from './https-head.ts';
import type { ProtocolConnection } from './listener.ts';
import { closeGracefully } from './tls-close.ts';

/** Requests that a client may send ahead while one is being answered. */
const maxPipelinedRequests = 16;

/** The profile says no-cache; an answer with a key in it had better not be kept at all. */
const cacheControl = 'no-cache, no-store';

/** A request that was refused before it could be a message: an operator who sets a client up looks for these. */
export interface HttpRequestRefusal {
  readonly client: string;
  readonly connection: string;
  /** Status and line of the answer. */
  readonly reason: string;
}

/** The client went away in the middle of a request. */
class ConnectionGoneError extends Error {
  override readonly name = 'ConnectionGoneError';
  readonly code = 'CONNECTION_GONE';
}

/**
 * One authenticated connection of HTTP/1.1: requests are answered one at a time and in order, under the deadlines of
 * plain TTLV. Node parses; it is not asked to time anything, because its own deadlines look every 30 s only.
 */
export class HttpsConnection implements ProtocolConnection {
  readonly socket: TLSSocket;
  conversation: Conversation;
  readonly #options: ConnectionOptions;
  readonly #requestRefused: (event: HttpRequestRefusal) => void;
  /** Ends when the requests taken so far are answered. */
  #lastResponse: Promise<void> = Promise.resolve();
  /** Requests taken and not answered yet. */
  #pendingRequests = 0;
  /** Some of a request has arrived, but not all. */
  #isPartial = false;
  #isFinishing = false;
  #isClosing = false;
  readonly #messageDeadline: Deadline;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions, server: Server, requestRefused: (event: HttpRequestRefusal) => void) {
    const { socket } = options;
    this.#options = options;
    this.#requestRefused = requestRefused;
    this.socket = socket;
    this.conversation = options.conversation;
    const { messageMilliseconds } = options.limits;
    this.#messageDeadline = new Deadline(messageMilliseconds, () => this.#abort('it did not finish a message in time'));
    server.emit('connection', socket);
    // Behind the parser's own listener: what it has just been given may have ended a request.
    socket.on('data', (chunk: Buffer) => this.#noteRequestBytes(chunk));
    socket.on('close', () => {
      this.#isClosing = true;
      this.#messageDeadline.stop();
      clearTimeout(this.#idleTimer);
    });
    this.#awaitRequest();
  }

  finish(): void {
    this.#isFinishing = true;
    this.#continueOrClose();
  }

  /** Takes the head of a request. `expecting`: the client waits for 100 Continue before it sends the body. */
  handleRequest(request: IncomingMessage, response: ServerResponse, expectsContinue = false): void {
    this.#isPartial = true;
    clearTimeout(this.#idleTimer);
    // A client that hangs up is told apart where the body is read; here it would end the process.
    request.on('error', () => {});
    request.once('end', () => {
      this.#isPartial = false;
      this.#messageDeadline.stop();
      this.#continueOrClose();
    });
    this.#pendingRequests++;
    if (this.#pendingRequests > maxPipelinedRequests) return this.#abort('it sends too many requests ahead');
    // While it waits for its turn the body is not read, which is not the client's fault.
    if (this.#pendingRequests > 1) this.#messageDeadline.stop();
    this.#lastResponse = this.#lastResponse.then(() => this.#serve(request, response, expectsContinue));
  }

  /** Bytes that are not HTTP: one line, and the end. */
  refuseMalformed(status: string, line: string): void {
    this.#notifyRefusal(`${status.split(' ', 1)[0]}: ${line}`);
    if (this.#pendingRequests > 0 || this.#isClosing || !this.socket.writable) return void this.socket.destroy();
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
      // What is left of a refused body is passed over, within the deadline, so that the answer can arrive.
      request.resume();
      if (this.#isFinishing) response.setHeader('Connection', 'close');
      response.writeHead(status, {
        ...headers,
        'Content-Length': body.length,
        'Cache-Control': cacheControl,
      });
      response.end(body);
      await this.#waitUntilSent(response);
      if (secret) body.fill(0);
    } catch (error) {
      if (!(error instanceof ConnectionGoneError)) this.#abort('a bug of the server', error);
    }
    this.#pendingRequests--;
    this.#continueOrClose();
  }

  /** Goes on or ends where everything that has arrived is answered. */
  #continueOrClose(): void {
    if (this.#pendingRequests > 0 || this.#isPartial) return;
    if (this.#isFinishing) this.#close();
    else this.#awaitRequest();
  }

  async #answer(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<HttpResponse> {
    const head = readHead(request, this.#options.limits);
    if ('status' in head) {
      if (expectsContinue) response.setHeader('Connection', 'close');
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
      message = head.encoding.toTtlv(body, this.#options.limits);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return this.#refuseMessage(head, error.message, 200, head.encoding.guessVersion(body));
    }
    const { response: answer, close } = await this.#options.service.respond(message, this.conversation);
    if (close) this.#isFinishing = true;
    return toMessageResponse(head, answer, 200);
  }

  /** An answer of KMIP to what is none of its messages. */
  #refuseMessage(
    head: BodyDescription,
    reason: string,
    status: number,
    version?: ReturnType<BodyDescription['encoding']['guessVersion']>,
  ): HttpResponse {
    const { service } = this.#options;
    return toMessageResponse(head, service.refuseFraming(reason, version, this.conversation), status);
  }

  /** Waits until the answer has left the process, or the connection is gone. */
  async #waitUntilSent(response: ServerResponse): Promise<void> {
    const late = () => this.#abort('it does not read its answers');
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
    // Some clients end a body with an empty line that does not belong to it; no request has begun with that.
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
    const { principal, connection } = this.conversation;
    this.#options.connectionEnded({ reason, client: principal.client, connection, error });
    this.socket.destroy();
  }
}

interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** It may hold a key, and is wiped once it is sent. */
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

/** Wipes the binary answer when another form of it goes out. */
function toMessageResponse({ mediaType, encoding }: BodyDescription, answer: Uint8Array, status: number): HttpResponse {
  const body = encoding.fromTtlv(answer);
  if (body !== answer) answer.fill(0);
  return { status, headers: { 'Content-Type': mediaType }, body, secret: true };
}

/** Where the memory of a body begins to grow, and the most that is believed before it has come. */
const initialBodyBytes = 4_096;
const maxInitialBodyBytes = 65_536;

/** The whole body in memory of its own; undefined as soon as it has more bytes than it may. Rejects with Gone. */
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

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { WireError } from '../../codec/wire-error.ts';
import type { Conversation } from '../protocol/service.ts';
import type { ConnectionOptions } from './connection.ts';
import { Deadline } from './deadline.ts';
import { type BodyDescription, type HttpMistake, readHead } from './https-head.ts';
import type { ProtocolConnection } from './listener.ts';
import { closeGracefully } from './tls-close.ts';

/** Requests that a client may send ahead while one is being answered. */
const aheadRequests = 16;

/** The profile says no-cache; an answer with a key in it had better not be kept at all. */
const cacheControl = 'no-cache, no-store';

/** A request that was refused before it could be a message: an operator who sets a client up looks for these. */
export interface HttpRefusal {
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
  readonly #mistaken: (event: HttpRefusal) => void;
  /** Ends when the requests taken so far are answered. */
  #turn: Promise<void> = Promise.resolve();
  /** Requests taken and not answered yet. */
  #pending = 0;
  /** Some of a request has arrived, but not all. */
  #partial = false;
  #finishing = false;
  #closing = false;
  readonly #message: Deadline;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions, server: Server, mistaken: (event: HttpRefusal) => void) {
    const { socket } = options;
    this.#options = options;
    this.#mistaken = mistaken;
    this.socket = socket;
    this.conversation = options.conversation;
    const { messageMilliseconds } = options.limits;
    this.#message = new Deadline(messageMilliseconds, () => this.#cut('it did not finish a message in time'));
    server.emit('connection', socket);
    // Behind the parser's own listener: what it has just been given may have ended a request.
    socket.on('data', (chunk: Buffer) => this.#begun(chunk));
    socket.on('close', () => {
      this.#closing = true;
      this.#message.stop();
      clearTimeout(this.#idleTimer);
    });
    this.#awaitRequest();
  }

  finish(): void {
    this.#finishing = true;
    this.#settle();
  }

  /** Takes the head of a request. `expecting`: the client waits for 100 Continue before it sends the body. */
  take(request: IncomingMessage, response: ServerResponse, expecting = false): void {
    this.#partial = true;
    clearTimeout(this.#idleTimer);
    // A client that hangs up is told apart where the body is read; here it would end the process.
    request.on('error', () => {});
    request.once('end', () => {
      this.#partial = false;
      this.#message.stop();
      this.#settle();
    });
    this.#pending++;
    if (this.#pending > aheadRequests) return this.#cut('it sends too many requests ahead');
    // While it waits for its turn the body is not read, which is not the client's fault.
    if (this.#pending > 1) this.#message.stop();
    this.#turn = this.#turn.then(() => this.#serve(request, response, expecting));
  }

  /** Bytes that are not HTTP: one line, and the end. */
  refuse(status: string, line: string): void {
    this.#tell(`${status.split(' ', 1)[0]}: ${line}`);
    if (this.#pending > 0 || this.#closing || !this.socket.writable) return void this.socket.destroy();
    this.socket.write(
      `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${line.length + 1}\r\n` +
        `Cache-Control: ${cacheControl}\r\nConnection: close\r\n\r\n${line}\n`,
    );
    this.#close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse, expecting: boolean): Promise<void> {
    if (this.#closing) return;
    if (!request.complete) this.#message.start();
    try {
      const { status, body, headers, secret } = await this.#answer(request, response, expecting);
      // What is left of a refused body is passed over, within the deadline, so that the answer can arrive.
      request.resume();
      if (this.#finishing) response.setHeader('Connection', 'close');
      response.writeHead(status, {
        ...headers,
        'Content-Length': body.length,
        'Cache-Control': cacheControl,
      });
      response.end(body);
      await this.#sent(response);
      if (secret) body.fill(0);
    } catch (error) {
      if (!(error instanceof ConnectionGoneError)) this.#cut('a bug of the server', error);
    }
    this.#pending--;
    this.#settle();
  }

  /** Goes on or ends where everything that has arrived is answered. */
  #settle(): void {
    if (this.#pending > 0 || this.#partial) return;
    if (this.#finishing) this.#close();
    else this.#awaitRequest();
  }

  async #answer(request: IncomingMessage, response: ServerResponse, expecting: boolean): Promise<Answer> {
    const head = readHead(request, this.#options.limits);
    if ('status' in head) {
      if (expecting) response.setHeader('Connection', 'close');
      this.#tell(`${head.status}: ${head.line}`);
      return mistake(head);
    }
    const tooLarge = () =>
      this.#refusal(head, `the message has more than the ${head.maxBytes} bytes allowed`, 413);
    if ((head.length ?? 0) > head.maxBytes) {
      if (expecting) response.setHeader('Connection', 'close');
      return tooLarge();
    }
    if (expecting) response.writeContinue();
    const body = await bodyOf(request, head);
    if (body === undefined) return tooLarge();
    let message: Uint8Array;
    try {
      message = head.encoding.toBinary(body, this.#options.limits);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return this.#refusal(head, error.message, 200, head.encoding.guessVersion(body));
    }
    const { response: answer, close } = await this.#options.service.respond(message, this.conversation);
    if (close) this.#finishing = true;
    return encoded(head, answer, 200);
  }

  /** An answer of KMIP to what is none of its messages. */
  #refusal(
    head: BodyDescription,
    reason: string,
    status: number,
    version?: ReturnType<BodyDescription['encoding']['guessVersion']>,
  ): Answer {
    const { service } = this.#options;
    return encoded(head, service.refuseFraming(reason, version, this.conversation), status);
  }

  /** Waits until the answer has left the process, or the connection is gone. */
  async #sent(response: ServerResponse): Promise<void> {
    const late = () => this.#cut('it does not read its answers');
    const timer = setTimeout(late, this.#options.limits.writeMilliseconds);
    await finished(response).catch(() => {});
    clearTimeout(timer);
  }

  #tell(reason: string): void {
    const { principal, connection } = this.conversation;
    this.#mistaken({ client: principal.client, connection, reason });
  }

  #begun(chunk: Buffer): void {
    if (this.#closing || this.#pending > 0) return;
    // Some clients end a body with an empty line that does not belong to it; no request has begun with that.
    if (chunk.length <= 2 && chunk.every((byte) => byte === 13 || byte === 10)) return;
    this.#partial = true;
    clearTimeout(this.#idleTimer);
    this.#message.start();
  }

  #awaitRequest(): void {
    if (this.#closing) return;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#close(), this.#options.limits.idleMilliseconds);
  }

  #close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#message.stop();
    clearTimeout(this.#idleTimer);
    closeGracefully(this.socket, this.#options.limits.writeMilliseconds);
  }

  #cut(reason: string, error?: unknown): void {
    if (this.#closing) return;
    const { principal, connection } = this.conversation;
    this.#options.ended({ reason, client: principal.client, connection, error });
    this.socket.destroy();
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** It may hold a key, and is wiped once it is sent. */
  readonly secret: boolean;
}

function mistake({ status, line, headers }: HttpMistake): Answer {
  const body = Buffer.from(`${line}\n`);
  return {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers },
    body,
    secret: false,
  };
}

/** Wipes the binary answer when another form of it goes out. */
function encoded({ mediaType, encoding }: BodyDescription, answer: Uint8Array, status: number): Answer {
  const body = encoding.fromBinary(answer);
  if (body !== answer) answer.fill(0);
  return { status, headers: { 'Content-Type': mediaType }, body, secret: true };
}

/** Where the memory of a body begins to grow, and the most that is believed before it has come. */
const firstBytes = 4_096;
const believedBytes = 65_536;

/** The whole body in memory of its own; undefined as soon as it has more bytes than it may. Rejects with Gone. */
function bodyOf(
  request: IncomingMessage,
  { length, maxBytes }: BodyDescription,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    let body = new Uint8Array(Math.min(length ?? firstBytes, believedBytes));
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

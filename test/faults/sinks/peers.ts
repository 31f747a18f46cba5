import { EventEmitter, once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';

/** An entry, or undefined for a checkpoint. */
export type Received = number | undefined;

/** What a peer does with a connection. */
export type Behaviour = 'serve' | 'hang' | 'cut' | 'slow' | 'fail';

export interface PeerOptions {
  /** Path of a Unix socket; a free port when absent. */
  readonly path?: string;
  /** TLS with these options. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
}

/** A server of one protocol on this machine that behaves as badly as a test wants. */
export abstract class Peer {
  behaviour: Behaviour = 'serve';
  /** Numbers of the entries in the order of their arrival. */
  readonly received: Received[] = [];
  /** Number of connections. */
  connections = 0;
  protected readonly options: PeerOptions;
  readonly #emitter = new EventEmitter();
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  constructor(options: PeerOptions = {}) {
    this.options = options;
  }

  protected abstract create(): Server;

  get port(): number {
    return this.#port;
  }

  /** Listens, again on the port of before. */
  async listen(): Promise<void> {
    const server = this.create();
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
      this.changed();
    });
    const { path } = this.options;
    if (path === undefined) server.listen(this.#port, '127.0.0.1');
    else server.listen(path);
    await once(server, 'listening');
    if (path === undefined) this.#port = (server.address() as AddressInfo).port;
  }

  /** Ends the listener and all connections; data that was not read is lost. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.close();
    this.cutAll();
    await once(server, 'close');
  }

  /** Ends all connections by a reset. */
  cutAll(): void {
    for (const socket of this.#sockets) cut(socket);
  }

  protected take(...received: readonly Received[]): void {
    this.received.push(...received);
    this.changed();
  }

  protected changed(): void {
    this.#emitter.emit('change');
  }

  /** Resolves once the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.#emitter, 'change');
  }

  /** Resolves once the entry with this number has arrived. */
  untilReceived(number: number): Promise<void> {
    return this.until(() => this.received.includes(number));
  }
}

/** Ends a connection with data that was not read; only TCP can be reset. */
function cut(socket: Socket): void {
  if (socket instanceof TLSSocket || socket.remotePort === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

/** Reads the number of an entry from a line; entries of these tests are JSON. */
function numberIn(line: string): Received {
  const value = JSON.parse(line) as { number?: number };
  return value.number;
}

/** A syslog server: octet counting, or lines on a Unix socket. */
export class SyslogPeer extends Peer {
  protected create(): Server {
    const serve = (socket: Socket) => this.#serve(socket);
    const { tls } = this.options;
    if (tls === undefined) return createServer(serve);
    const isMutual = tls.ca !== undefined;
    const server = createTlsServer({ ...tls, requestCert: isMutual, rejectUnauthorized: isMutual }, serve);
    return server;
  }

  #serve(socket: Socket): void {
    const { behaviour } = this;
    socket.on('error', () => {});
    if (behaviour === 'hang') {
      socket.pause();
      return;
    }
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      if (behaviour === 'cut') {
        // The beginning arrives, the end does not.
        rest = this.#takeFrames(rest.subarray(0, Math.ceil(rest.length / 2)));
        cut(socket);
        return;
      }
      rest = this.#takeFrames(rest);
      if (behaviour !== 'slow') return;
      socket.pause();
      setTimeout(() => socket.resume(), 5);
    });
  }

  #takeFrames(bytes: Buffer): Buffer {
    const isCounted = this.options.path === undefined;
    for (;;) {
      const head = isCounted ? bytes.indexOf(0x20) : 0;
      const length = isCounted ? Number(bytes.subarray(0, head)) : bytes.indexOf(0x0a);
      if (Number.isNaN(length)) return Buffer.alloc(0);
      const begin = isCounted ? head + 1 : 0;
      if (head < 0 || length < 0 || bytes.length < begin + length) return bytes;
      const frame = bytes.subarray(begin, begin + length).toString();
      const [, body = ''] =
        /^<\d+>1 \S+ \S+ kmipd \d+ \S+ \[origin .*?\]\[meta .*?\] (.*)$/s.exec(frame) ?? [];
      this.take(numberIn(body));
      bytes = bytes.subarray(begin + length + (isCounted ? 0 : 1));
    }
  }
}

/** An HTTP server that takes lines of JSON, or requests of OpenTelemetry. */
export class HttpPeer extends Peer {
  /** Status of answers when it fails. */
  status = 500;
  headers: Record<string, string> = {};
  /** Entries that one request may have; more are answered 413. */
  maxEntries = Number.POSITIVE_INFINITY;
  readonly requests: { readonly headers: IncomingMessage['headers']; readonly url: string | undefined }[] =
    [];
  /** Body of answers. */
  body = '{}';
  readonly #isOtlp: boolean;

  constructor(isOtlp: boolean, options: PeerOptions = {}) {
    super(options);
    this.#isOtlp = isOtlp;
  }

  protected create(): Server {
    const { tls } = this.options;
    const serve = (request: IncomingMessage, response: ServerResponse) => this.#serve(request, response);
    if (tls === undefined) return createHttpServer(serve);
    const isMutual = tls.ca !== undefined;
    return createHttpsServer({ ...tls, requestCert: isMutual, rejectUnauthorized: isMutual }, serve);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { behaviour } = this;
    this.requests.push({ headers: request.headers, url: request.url });
    this.changed();
    if (behaviour === 'hang') {
      request.pause();
      return;
    }
    const pieces: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (piece: Buffer) => {
      pieces.push(piece);
      if (behaviour === 'cut') cut(request.socket);
    });
    request.on('end', () => {
      if (behaviour === 'fail') {
        response.writeHead(this.status, this.headers).end();
        return;
      }
      const numbers = this.#numbersIn(Buffer.concat(pieces).toString());
      if (numbers.length > this.maxEntries) {
        response.writeHead(413).end();
        return;
      }
      const answer = () => {
        response.end(this.body);
        this.take(...numbers);
      };
      if (behaviour === 'slow') setTimeout(answer, 5);
      else answer();
    });
  }

  #numbersIn(text: string): readonly Received[] {
    if (!this.#isOtlp) return text.trimEnd().split('\n').map(numberIn);
    const { resourceLogs } = JSON.parse(text) as OtlpRequest;
    const records = resourceLogs.flatMap(({ scopeLogs }) =>
      scopeLogs.flatMap(({ logRecords }) => logRecords),
    );
    return records.map(({ attributes }) => {
      const value = attributes.find(({ key }) => key === 'kmipd.number')?.value.intValue;
      return value === undefined ? undefined : Number(value);
    });
  }
}

interface OtlpRequest {
  readonly resourceLogs: readonly {
    readonly scopeLogs: readonly {
      readonly logRecords: readonly {
        readonly attributes: readonly {
          readonly key: string;
          readonly value: { readonly intValue?: string };
        }[];
      }[];
    }[];
  }[];
}

/**
 * Returns what is wrong with the order of what arrived: an entry before another one that has never arrived,
 * or one that is missing of those from `first` on to the one before `end`.
 */
export function findDisorder(received: readonly Received[], end: number, first = 0): string | undefined {
  let next = first;
  for (const number of received) {
    if (number === undefined) continue;
    if (number > next) return `${number} came before ${next}`;
    if (number === next) next += 1;
  }
  return next === end ? undefined : `${next} is missing`;
}

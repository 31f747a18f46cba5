import { lstatSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { ManagementBackends, MethodName, ResultOf, ServiceDescription } from './api.ts';
import { AdministratorAuthenticator } from './authenticator.ts';
import type { CallObserver } from './call-observer.ts';
import { ApprovalPendingError, ManagementError, RequestError } from './errors.ts';
import { isSocketPath, maxAnswerBytes, maxRequestBytes, readLines, writeLine } from './lines.ts';
import { describeMethod, idOf, readRequest, type SentRequest } from './params.ts';
import { ManagementSession, type SessionOptions } from './session.ts';

/** An error as an answer states it. */
export interface AnsweredError {
  readonly code: string;
  /** One line for the operator. */
  readonly message: string;
}

export interface ManagementServerOptions {
  /** The socket. */
  readonly path: string;
  readonly backends: ManagementBackends;
  readonly description: ServiceDescription;
  /** Rejects when none of the methods can be called now that need rows. */
  readonly ready: () => Promise<void>;
  /** Returns an error as an answer states it; undefined for those that are no business of the operator. */
  readonly describeError: (error: unknown) => AnsweredError | undefined;
  /** Resolves once a change is in force, or to why it is not, one line; must not reject. */
  readonly changed: () => Promise<string | undefined>;
  /** Is notified of each error that is answered as an internal one. */
  readonly failed: (method: string, error: unknown) => void;
  /** Observes every call and every login before it is answered. */
  readonly observe: CallObserver;
  readonly times?: ManagementTimes;
}

/** How long a connection may take, in milliseconds. */
export interface ManagementTimes {
  /** For its next request, until that is complete. */
  readonly request: number;
  /** To read an answer. */
  readonly answer: number;
  /** To end the request at work, when the server closes. */
  readonly close: number;
}

const defaultTimes: ManagementTimes = { request: 60_000, answer: 10_000, close: 10_000 };
const maxConnections = 16;

/** Everybody but the owner is kept from the socket: to connect, Linux asks for the right to write. */
const umask = 0o177;

interface Connection {
  readonly socket: Socket;
  readonly session: ManagementSession;
  /** Resolves once the socket is closed, and no request of it is at work. */
  ended: Promise<unknown>;
  isAtWork: boolean;
}

/**
 * Serves the methods of the management service on a Unix socket: requests and answers are JSON, one on each
 * line, and one request of a connection is at work at a time. Whoever can open the socket may call every
 * method; who logs in as an administrator, those of the role.
 */
export class ManagementServer {
  readonly #options: ManagementServerOptions;
  readonly #times: ManagementTimes;
  readonly #session: SessionOptions;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #isClosing = false;

  constructor(options: ManagementServerOptions) {
    this.#options = options;
    this.#times = options.times ?? defaultTimes;
    const { backends, description, observe, ready } = options;
    this.#session = {
      ...{ backends, observe, store: description.store, openedBy: 'socket' },
      authenticator: new AdministratorAuthenticator(backends),
      ready: async (method) => {
        if (!sealedMethods.has(method)) await ready();
      },
    };
    // A client that has sent its last request still gets the answer.
    const half = { allowHalfOpen: true };
    this.#server = createServer(half, (socket) => this.#accept(socket));
    // Of an attempt to accept a connection: the next one may succeed.
    this.#server.on('error', () => {});
    this.#server.maxConnections = maxConnections;
  }

  /**
   * Creates the socket, in place of that of a process that was killed: the caller makes sure that no other
   * one serves it.
   * @throws {ManagementError} when the path is too long for a socket; the system's error.
   */
  async listen(): Promise<void> {
    const { path } = this.#options;
    if (!isSocketPath(path)) throw new ManagementError('its path is too long for a socket');
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) rmSync(path);
    const listening = new Promise<void>((resolve, reject) => {
      this.#server.once('listening', resolve).once('error', reject);
    });
    // Node binds the socket before `listen` returns, so that it has its mode from the first moment. Other
    // threads create files of mode 0600 only meanwhile.
    const before = process.umask(umask);
    try {
      this.#server.listen(path);
    } finally {
      process.umask(before);
    }
    await listening;
  }

  /** Lets the requests at work end and removes the socket. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const { socket, isAtWork } of this.#connections) if (!isAtWork) socket.destroy();
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      for (const { socket } of this.#connections) socket.destroy();
      late.resolve();
    }, this.#times.close);
    await Promise.race([Promise.all(Array.from(this.#connections, ({ ended }) => ended)), late.promise]);
    await closed;
    clearTimeout(timer);
  }

  #accept(socket: Socket): void {
    // The server counts open sockets only: a peer that has gone may have left its request at work.
    if (this.#connections.size >= maxConnections) return void socket.destroy();
    const session = new ManagementSession(this.#session);
    const connection: Connection = { socket, session, ended: Promise.resolve(), isAtWork: false };
    this.#connections.add(connection);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    connection.ended = Promise.all([this.#serve(connection), closed]).finally(() =>
      this.#connections.delete(connection),
    );
  }

  async #serve(connection: Connection): Promise<void> {
    const { socket, session } = connection;
    // The reader sees it too.
    socket.on('error', () => {});
    let timer: NodeJS.Timeout | undefined;
    const allow = (milliseconds: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => socket.destroy(), milliseconds);
    };
    try {
      allow(this.#times.request);
      for await (const line of readLines(socket, maxRequestBytes)) {
        clearTimeout(timer);
        connection.isAtWork = true;
        const answer = await this.#answer(session, line);
        allow(this.#times.answer);
        await writeLine(socket, answer);
        connection.isAtWork = false;
        if (this.#isClosing || session.isEnded) break;
        allow(this.#times.request);
      }
    } catch (error) {
      allow(this.#times.answer);
      if (error instanceof RequestError && !socket.destroyed)
        await writeLine(
          socket,
          encode({ id: null, error: { code: error.code, message: error.message } }),
        ).catch(() => {});
    } finally {
      clearTimeout(timer);
      socket.destroySoon();
    }
  }

  /**
   * Returns the answer of one request, a line.
   * @throws {RequestError} when it is not JSON.
   */
  async #answer(session: ManagementSession, line: string): Promise<string> {
    const message = parseJson(line);
    const id = idOf(message);
    try {
      const request = readRequest(message);
      if (request.method === describeMethod) return encode({ id, result: this.#options.description });
      return encode(await this.#handle(session, id, request));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return encode({ id, error: { code: error.code, message: error.message } });
    }
  }

  /** @throws {RequestError} when the request is of another form, or comes at another time. */
  async #handle(session: ManagementSession, id: number | null, request: SentRequest): Promise<object> {
    const { describeError, changed, failed } = this.#options;
    const { method } = request;
    try {
      const result = await session.handle(request);
      return { id, result, warning: changesClients(method, result) ? await changed() : undefined };
    } catch (error) {
      if (error instanceof RequestError) throw error;
      if (error instanceof ApprovalPendingError) {
        return { id, pending: { request: error.request, expiresAt: error.expiresAt } };
      }
      const described = describeError(error);
      if (described === undefined) failed(method, error);
      return { id, error: described ?? internalError };
    }
  }
}

/** Methods after which the daemon looks at the clients anew. */
const changes: ReadonlySet<string> = new Set<MethodName>([
  'client.add',
  'client.setDisabled',
  'client.remove',
  'client.setEndpoint',
  'credential.addPassword',
  'credential.addDevice',
  'credential.addOneTimePasswords',
  'credential.remove',
]);

/** Whether the daemon has to look at the clients anew: after such a method, approved ones too. */
function changesClients(method: string, result: unknown): boolean {
  if (method !== 'approval.approve') return changes.has(method);
  return changes.has((result as ResultOf<'approval.approve'>).request.method);
}

/** Methods that serve while the vault is sealed. */
const sealedMethods: ReadonlySet<string> = new Set<MethodName>([
  'vault.status',
  'vault.receiver',
  'vault.unseal',
  'vault.tokenLogin',
]);

const internalError: AnsweredError = {
  code: 'INTERNAL',
  message: 'the running kmipd failed; its log has the error',
};

/** @throws {RequestError} when the text is not JSON; no part of it is repeated. */
function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new RequestError('the request is not JSON');
  }
}

function encode(message: object): string {
  const text = JSON.stringify(message);
  if (Buffer.byteLength(text) <= maxAnswerBytes) return text;
  const error = { code: 'TOO_LARGE', message: 'the answer is too large for the management socket' };
  return JSON.stringify({ ...message, result: undefined, error });
}

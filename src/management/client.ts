import { connect, type Socket } from 'node:net';
import type { ManagementCall, ServiceDescription } from './api.ts';
import { ApprovalPendingError, ManagementError } from './errors.ts';
import { isSocketPath, maxAnswerBytes, maxRequestBytes, readLines, writeLine } from './lines.ts';
import { logInAdministrator, type RequestSender, type RequestSigner, type ShownCredential } from './login.ts';
import { describeMethod } from './params.ts';
import { type Answer, checkOf, isAnswer, isDescription, type ResultCheck } from './results.ts';

/** Milliseconds within which a daemon must say who it is: one that was stopped never does. */
const connectMilliseconds = 2_000;
/** Milliseconds that an answer may take. */
const answerMilliseconds = 60_000;
/**
 * Milliseconds without a request, for example while an operator types, after which a connection is made anew:
 * the server ends silent ones after a minute.
 */
const maxSilentMilliseconds = 30_000;
const unansweredMessage =
  'the running kmipd did not answer to the end; look whether the change was made, then try again';

const loginEndedMessage =
  'the connection was lost, and with it the login; look what was done, then run the command again';

/** A connection to the daemon that serves a management socket. */
export interface ManagementConnection {
  readonly description: ServiceDescription;
  readonly call: ManagementCall;
  /**
   * Makes the connection that of an administrator; must come before the first call. The caller overwrites
   * what is shown. After a silence a key logs in again; a password cannot, so its connection is never silent.
   * @throws {ManagementError} when the login is refused; the connection is of no use then.
   */
  logIn(shown: ShownCredential): Promise<void>;
  /** What the answers so far have said besides their results. */
  readonly warnings: readonly string[];
  close(): void;
}

/**
 * Connects to the management socket of a daemon; undefined when none answers there. Nothing has been changed
 * then. The connection is made anew after so many milliseconds without a request.
 */
export async function connectManagement(
  path: string,
  silentMilliseconds: number = maxSilentMilliseconds,
): Promise<ManagementConnection | undefined> {
  if (!isSocketPath(path)) return undefined;
  const warnings: string[] = [];
  const first = await openExchange(path, warnings);
  if (first === undefined) return undefined;
  const { description } = first;
  let { exchange } = first;
  let login: ShownCredential | undefined;
  let aliveTimer: NodeJS.Timeout | undefined;
  const prepareExchange = async () => {
    if (exchange.silentMilliseconds < silentMilliseconds) return exchange;
    if (login !== undefined && !('key' in login)) throw new ManagementError(loginEndedMessage);
    exchange.close();
    const next = await openExchange(path, warnings);
    if (next !== undefined) exchange = next.exchange;
    if (next?.description.store !== description.store) {
      exchange.close();
      throw new ManagementError(unansweredMessage);
    }
    if (login !== undefined) await logInAdministrator(exchange, description.store, login);
    return exchange;
  };
  return {
    ...{ description, warnings },
    call: async (method, params) =>
      (await prepareExchange()).request(method, params, checkOf(method), answerMilliseconds),
    async logIn(shown) {
      login = shown;
      await logInAdministrator(exchange, description.store, shown);
      if ('key' in shown) return;
      aliveTimer = setInterval(() => void exchange.keepAlive(), silentMilliseconds / 3).unref();
    },
    close() {
      clearInterval(aliveTimer);
      exchange.close();
    },
  };
}

/** Opens a connection; undefined when no daemon answers there. */
async function openExchange(path: string, warnings: string[]) {
  const exchange = new Exchange(connect(path), warnings);
  try {
    const description = await exchange.request(describeMethod, {}, isDescription, connectMilliseconds);
    return { exchange, description };
  } catch {
    exchange.close();
    return undefined;
  }
}

/** Requests on one connection, one after the other. */
class Exchange implements RequestSender {
  readonly #warnings: string[];
  readonly #socket: Socket;
  readonly #lines: AsyncGenerator<string, void>;
  #id = 0;
  #answeredAt = performance.now();
  /** The last request; settles without an error. */
  #last: Promise<unknown> = Promise.resolve();
  signer: RequestSigner | undefined;

  constructor(socket: Socket, warnings: string[]) {
    this.#socket = socket;
    this.#warnings = warnings;
    // The reader sees it too.
    socket.on('error', () => {});
    this.#lines = readLines(socket, maxAnswerBytes);
  }

  /** Time since the last answer. */
  get silentMilliseconds(): number {
    return performance.now() - this.#answeredAt;
  }

  /** Sends a request of a login. */
  send(method: string, params: unknown): Promise<unknown> {
    return this.request(method, params, (_): _ is unknown => true, answerMilliseconds);
  }

  /** Sends a request that changes nothing, so that the server does not end the connection. */
  async keepAlive(): Promise<void> {
    await this.request(describeMethod, {}, isDescription, answerMilliseconds).catch(() => {});
  }

  /**
   * Resolves to a result of the expected form, once the requests before it have been answered.
   * @throws {ManagementError} when the daemon refuses the request, or does not answer so in time.
   */
  request<T>(method: string, params: unknown, isResult: ResultCheck<T>, milliseconds: number): Promise<T> {
    const result = this.#last.then(() => this.#request(method, params, isResult, milliseconds));
    this.#last = result.catch(() => {});
    return result;
  }

  async #request<T>(
    method: string,
    params: unknown,
    isResult: ResultCheck<T>,
    milliseconds: number,
  ): Promise<T> {
    const id = ++this.#id;
    const line = JSON.stringify({ id, method, params, signature: this.signer?.({ id, method, params }) });
    if (Buffer.byteLength(line) > maxRequestBytes)
      throw new ManagementError(`no more than ${maxRequestBytes} bytes can be sent to the running kmipd`);
    const late = setTimeout(() => this.close(), milliseconds);
    try {
      await writeLine(this.#socket, line);
      const { result, error, pending, warning } = await this.#readAnswer();
      this.#answeredAt = performance.now();
      if (error !== undefined) throw new ManagementError(error.message);
      if (pending !== undefined) throw new ApprovalPendingError(pending.request, pending.expiresAt);
      if (!isResult(result)) throw new TypeError(`the result of ${method} has another form`);
      if (warning !== undefined) this.#warnings.push(warning);
      return result;
    } catch (error) {
      if (error instanceof ManagementError || error instanceof ApprovalPendingError) throw error;
      throw new ManagementError(unansweredMessage, { cause: error });
    } finally {
      clearTimeout(late);
    }
  }

  async #readAnswer(): Promise<Answer> {
    const next = await this.#lines.next();
    if (next.done) throw new Error('the connection was closed');
    const answer: unknown = JSON.parse(next.value);
    if (isAnswer(answer) && answer.id === this.#id) return answer;
    throw new TypeError('the answer has another form');
  }

  close(): void {
    this.#socket.destroy();
  }
}

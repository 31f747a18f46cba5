import { connect, type Socket } from 'node:net';
import type { ManagementCall, ServiceDescription } from './api.ts';
import { ManagementError } from './errors.ts';
import { isSocketPath, maxAnswerBytes, maxRequestBytes, readLines, writeLine } from './lines.ts';
import { describeMethod } from './params.ts';

/** Milliseconds within which a daemon must say who it is: one that was stopped never does. */
const connectMilliseconds = 2_000;
/** Milliseconds that an answer may take. */
const answerMilliseconds = 60_000;

/** A connection to the daemon that serves a management socket. */
export interface ManagementConnection {
  readonly description: ServiceDescription;
  readonly call: ManagementCall;
  close(): void;
}

/**
 * Connects to the management socket of a daemon; undefined when none answers there. Nothing has been changed
 * then.
 */
export async function connectManagement(path: string): Promise<ManagementConnection | undefined> {
  if (!isSocketPath(path)) return undefined;
  const exchange = new Exchange(connect(path));
  try {
    const description = await exchange.request(describeMethod, {}, connectMilliseconds);
    return {
      description: description as ServiceDescription,
      call: (method, params) => exchange.request(method, params, answerMilliseconds) as never,
      close: () => exchange.close(),
    };
  } catch {
    exchange.close();
    return undefined;
  }
}

interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** Requests on one connection, one after the other. */
class Exchange {
  readonly #socket: Socket;
  readonly #lines: AsyncGenerator<string, void>;
  #id = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    // The reader sees it too.
    socket.on('error', () => {});
    this.#lines = readLines(socket, maxAnswerBytes);
  }

  /** @throws {ManagementError} when the daemon refuses the request, or does not answer in time. */
  async request(method: string, params: unknown, milliseconds: number): Promise<unknown> {
    const line = JSON.stringify({ id: ++this.#id, method, params });
    if (Buffer.byteLength(line) > maxRequestBytes)
      throw new ManagementError(`no more than ${maxRequestBytes} bytes can be sent to the running kmipd`);
    const late = setTimeout(() => this.close(), milliseconds);
    let answer: Answer;
    try {
      await writeLine(this.#socket, line);
      const next = await this.#lines.next();
      if (next.done) throw new Error('the connection was closed');
      answer = JSON.parse(next.value);
    } catch (error) {
      const message =
        'the running kmipd did not answer to the end; look whether the change was made, then try again';
      throw new ManagementError(message, { cause: error });
    } finally {
      clearTimeout(late);
    }
    if (answer.error !== undefined) throw new ManagementError(answer.error.message);
    return answer.result;
  }

  close(): void {
    this.#socket.destroy();
  }
}

import type { TLSSocket } from 'node:tls';
import { Framer } from '../../codec/framer.ts';
import { WireError } from '../../codec/wire-error.ts';
import type { Limits } from '../limits.ts';
import type { Conversation, MessageService } from '../protocol/service.ts';

/** Bytes a client may send ahead while its message is being answered; beyond them nothing is read. */
const aheadBytes = 65_536;

/**
 * One authenticated connection. Messages are answered one at a time and in order. Every wait has its deadline: a message
 * from first byte to last, an answer until the client has taken it, and silence.
 */
export class Connection {
  readonly socket: TLSSocket;
  readonly conversation: Conversation;
  readonly #service: MessageService;
  readonly #limits: Limits;
  readonly #framer: Framer;
  readonly #chunks: Buffer[] = [];
  #ahead = 0;
  #busy = false;
  /** No further message will be read: the client has closed its side, or the server is draining. */
  #ending = false;
  #messageTimer: NodeJS.Timeout | undefined;

  constructor(socket: TLSSocket, conversation: Conversation, service: MessageService, limits: Limits) {
    this.socket = socket;
    this.conversation = conversation;
    this.#service = service;
    this.#limits = limits;
    this.#framer = new Framer('RequestMessage', limits.requestBytes);
    socket.setTimeout(limits.idleMilliseconds, () => this.#idle());
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => this.finish());
    socket.on('close', () => clearTimeout(this.#messageTimer));
  }

  /** Ends the connection at the next message boundary: at once when nothing is being answered. */
  finish(): void {
    this.#ending = true;
    if (!this.#busy) this.socket.end();
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#ahead += chunk.length;
    if (this.#busy) {
      if (this.#ahead > aheadBytes) this.socket.pause();
    } else void this.#serve();
  }

  async #serve(): Promise<void> {
    this.#busy = true;
    try {
      for (let chunk = this.#chunks.shift(); chunk !== undefined; chunk = this.#chunks.shift()) {
        this.#ahead -= chunk.length;
        if (!(await this.#answerAll(chunk))) return;
        if (this.#ahead <= aheadBytes && this.socket.isPaused()) this.socket.resume();
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      await this.#write(this.#service.refuseFraming(error.message));
      this.#ending = true;
    } finally {
      this.#busy = false;
      if (this.#ending && !this.socket.destroyed) this.#close();
    }
  }

  /** Answers the messages that a chunk completes; false when the connection is to end before its rest. */
  async #answerAll(chunk: Buffer): Promise<boolean> {
    for (const message of this.#framer.push(chunk)) {
      this.#stopMessageTimer();
      const { response, close } = await this.#service.respond(message, this.conversation);
      if (this.socket.destroyed) return false;
      const waiting = this.#write(response);
      if (waiting !== undefined) await waiting;
      if (close) this.#ending = true;
      if (close || this.socket.destroyed) return false;
    }
    if (this.#framer.partial) this.#startMessageTimer();
    return true;
  }

  /**
   * Sends an answer in one write, so that up to 16 KiB are one TLS record (libkmip reads a body with one SSL_read), and
   * wipes it once it is sent, since it may hold a key. Waits, within the deadline, only when the client lags behind.
   */
  #write(response: Uint8Array): Promise<void> | undefined {
    const flowing = this.socket.write(response, () => response.fill(0));
    if (flowing) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.socket.destroy(), this.#limits.writeMilliseconds);
      const done = () => {
        clearTimeout(timer);
        this.socket.off('drain', done).off('close', done);
        resolve();
      };
      this.socket.once('drain', done).once('close', done);
    });
  }

  /** Says goodbye; a peer that does not answer is cut off. */
  #close(): void {
    this.socket.resume();
    this.socket.end();
    setTimeout(() => this.socket.destroy(), 1_000).unref();
  }

  #idle(): void {
    if (!this.#busy) this.#close();
  }

  #startMessageTimer(): void {
    this.#messageTimer ??= setTimeout(() => this.socket.destroy(), this.#limits.messageMilliseconds);
  }

  #stopMessageTimer(): void {
    clearTimeout(this.#messageTimer);
    this.#messageTimer = undefined;
  }
}

import type { TLSSocket } from 'node:tls';

/**
 * Sends the responses of one connection. Each response is one write, so that up to 16 KiB are one TLS record
 * (libkmip reads a body with one SSL_read), and is wiped after sending, because it may contain a key. At most
 * one waits in the socket.
 */
export class ResponseWriter {
  readonly #socket: TLSSocket;
  readonly #milliseconds: number;
  readonly #onExpired: () => void;
  /** Response that the operating system has not accepted yet. */
  #unsent: Uint8Array | undefined;
  #onSent: (() => void) | undefined;
  #isFinished = false;

  /** `onExpired` is called when a caller waits and the peer has not read for `milliseconds`. */
  constructor(socket: TLSSocket, milliseconds: number, onExpired: () => void) {
    this.#socket = socket;
    this.#milliseconds = milliseconds;
    this.#onExpired = onExpired;
  }

  /** Sends and wipes a response; returns a promise, which never rejects, only when the peer reads slowly. */
  write(message: Uint8Array): Promise<void> | undefined {
    // The socket would merge two waiting responses and split them into records across their boundary.
    if (this.#unsent !== undefined) return this.#waitUntilSent().then(() => this.write(message));
    if (this.#isFinished) return void message.fill(0);
    this.#unsent = message;
    return this.#socket.write(message, () => this.#noteSent()) ? undefined : this.#waitUntilSent();
  }

  /** Discards and wipes further responses. */
  finish(): void {
    this.#isFinished = true;
  }

  /** Wipes the unsent response, because the connection is gone. */
  end(): void {
    this.#isFinished = true;
    this.#noteSent();
  }

  #noteSent(): void {
    this.#unsent?.fill(0);
    this.#unsent = undefined;
    this.#onSent?.();
  }

  #waitUntilSent(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#unsent === undefined) return resolve();
      const timer = setTimeout(this.#onExpired, this.#milliseconds);
      this.#onSent = () => {
        clearTimeout(timer);
        this.#onSent = undefined;
        resolve();
      };
    });
  }
}

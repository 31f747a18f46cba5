import type { TLSSocket } from 'node:tls';

/**
 * Messages on their way out of one connection: each in one write, so that up to 16 KiB are one TLS record (libkmip reads
 * a body with one SSL_read), and wiped once it is sent, since it may hold a key. At most one waits in the socket.
 */
export class ResponseWriter {
  readonly #socket: TLSSocket;
  readonly #milliseconds: number;
  readonly #onExpired: () => void;
  /** What the system has not taken yet. */
  #unsent: Uint8Array | undefined;
  #onSent: (() => void) | undefined;
  #isFinished = false;

  /** `late` is called when the peer has not read for so many milliseconds while somebody waits for it. */
  constructor(socket: TLSSocket, milliseconds: number, onExpired: () => void) {
    this.#socket = socket;
    this.#milliseconds = milliseconds;
    this.#onExpired = onExpired;
  }

  /** Sends a message; a promise, which never rejects, only where the peer lags behind. */
  write(message: Uint8Array): Promise<void> | undefined {
    // Two that wait together would be joined, and cut into records where neither ends.
    if (this.#unsent !== undefined) return this.#waitUntilSent().then(() => this.write(message));
    if (this.#isFinished) return void message.fill(0);
    this.#unsent = message;
    return this.#socket.write(message, () => this.#noteSent()) ? undefined : this.#waitUntilSent();
  }

  /** Takes no further message. */
  finish(): void {
    this.#isFinished = true;
  }

  /** The connection is gone: what was not sent never will be. */
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

import { Framer } from '../../codec/framer.ts';
import { WireError } from '../../codec/wire-error.ts';
import type { Limits } from '../common/limits.ts';
import { ChannelClosedError, type ReverseChannel } from '../protocol/endpoints/reverse-channel.ts';

/** What a connection lends to the requests that the server sends on it. */
export interface ChannelTransport {
  /** Sends a request and wipes it. */
  write(request: Uint8Array): void;
  /** Ends the connection at once; `reason` goes to the log. */
  cut(reason: string): void;
  /** Returns to answering; false where that cannot be. */
  releaseRole(): boolean;
}

/** Requests of the server on one connection: one at a time, its answer within a deadline, nothing unasked. */
export class ServerRequestChannel implements ReverseChannel {
  readonly closed: Promise<never>;
  readonly #framer: Framer;
  readonly #ends: ChannelTransport;
  readonly #milliseconds: number;
  readonly #over = Promise.withResolvers<never>();
  #isOver = false;
  #finishing = false;
  #waiting: PromiseWithResolvers<Uint8Array> | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(ends: ChannelTransport, limits: Limits) {
    this.#ends = ends;
    this.#milliseconds = limits.answerMilliseconds;
    this.#framer = new Framer('ResponseMessage', limits.responseBytes);
    this.closed = this.#over.promise;
    // Somebody may ask later, or nobody.
    this.closed.catch(() => {});
  }

  /** Whether an answer is awaited. */
  get busy(): boolean {
    return this.#waiting !== undefined;
  }

  exchange(request: Uint8Array): Promise<Uint8Array> {
    if (this.#isOver || this.#finishing) {
      request.fill(0);
      return Promise.reject(new ChannelClosedError());
    }
    if (this.#waiting !== undefined) throw new TypeError('one request at a time');
    const waiting = Promise.withResolvers<Uint8Array>();
    this.#waiting = waiting;
    this.#deadline = setTimeout(() => this.cut('it did not answer in time'), this.#milliseconds);
    this.#ends.write(request);
    return waiting.promise;
  }

  /** Takes what the peer sends. */
  receive(chunk: Uint8Array): void {
    try {
      for (const message of this.#framer.push(chunk)) this.#answer(message);
      if (this.#framer.hasPartialMessage && !this.busy) this.cut('it speaks without being asked');
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.cut(`it does not answer in TTLV: ${error.message}`);
    }
  }

  /** Sends nothing more; an answer that is awaited may still come. */
  finish(): void {
    this.#finishing = true;
  }

  cut(reason: string): void {
    if (!this.#isOver) this.#ends.cut(reason);
    this.end();
  }

  releaseRole(): boolean {
    if (this.#isOver || !this.#ends.releaseRole()) return false;
    this.end();
    return true;
  }

  /** The connection is over, or its roles are exchanged again. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#deadline);
    this.#waiting?.reject(new ChannelClosedError());
    this.#waiting = undefined;
    this.#over.reject(new ChannelClosedError());
  }

  #answer(message: Uint8Array): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return this.cut('it speaks without being asked');
    this.#waiting = undefined;
    clearTimeout(this.#deadline);
    waiting.resolve(message);
  }
}

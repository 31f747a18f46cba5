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
  readonly #transport: ChannelTransport;
  readonly #milliseconds: number;
  readonly #closedResolvers = Promise.withResolvers<never>();
  #isEnded = false;
  #isFinishing = false;
  #pendingResponse: PromiseWithResolvers<Uint8Array> | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(transport: ChannelTransport, limits: Limits) {
    this.#transport = transport;
    this.#milliseconds = limits.answerMilliseconds;
    this.#framer = new Framer('ResponseMessage', limits.responseBytes);
    this.closed = this.#closedResolvers.promise;
    // Somebody may ask later, or nobody.
    this.closed.catch(() => {});
  }

  /** Whether an answer is awaited. */
  get isBusy(): boolean {
    return this.#pendingResponse !== undefined;
  }

  exchange(request: Uint8Array): Promise<Uint8Array> {
    if (this.#isEnded || this.#isFinishing) {
      request.fill(0);
      return Promise.reject(new ChannelClosedError());
    }
    if (this.#pendingResponse !== undefined) throw new TypeError('one request at a time');
    const pendingResponse = Promise.withResolvers<Uint8Array>();
    this.#pendingResponse = pendingResponse;
    this.#deadline = setTimeout(() => this.cut('it did not answer in time'), this.#milliseconds);
    this.#transport.write(request);
    return pendingResponse.promise;
  }

  /** Takes what the peer sends. */
  receive(chunk: Uint8Array): void {
    try {
      for (const message of this.#framer.push(chunk)) this.#resolveResponse(message);
      if (this.#framer.hasPartialMessage && !this.isBusy) this.cut('it speaks without being asked');
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.cut(`it does not answer in TTLV: ${error.message}`);
    }
  }

  /** Sends nothing more; an answer that is awaited may still come. */
  finish(): void {
    this.#isFinishing = true;
  }

  cut(reason: string): void {
    if (!this.#isEnded) this.#transport.cut(reason);
    this.end();
  }

  releaseRole(): boolean {
    if (this.#isEnded || !this.#transport.releaseRole()) return false;
    this.end();
    return true;
  }

  /** The connection is over, or its roles are exchanged again. */
  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#deadline);
    this.#pendingResponse?.reject(new ChannelClosedError());
    this.#pendingResponse = undefined;
    this.#closedResolvers.reject(new ChannelClosedError());
  }

  #resolveResponse(message: Uint8Array): void {
    const pendingResponse = this.#pendingResponse;
    if (pendingResponse === undefined) return this.cut('it speaks without being asked');
    this.#pendingResponse = undefined;
    clearTimeout(this.#deadline);
    pendingResponse.resolve(message);
  }
}

import { Framer } from '../../codec/framer.ts';
import { WireError } from '../../codec/wire-error.ts';
import type { Limits } from '../common/limits.ts';
import { ChannelClosedError, type ReverseChannel } from '../protocol/endpoints/reverse-channel.ts';

/** Access of the channel to its connection. */
export interface ChannelTransport {
  /** Sends a request and wipes it. */
  write(request: Uint8Array): void;
  /** Destroys the connection; `reason` is logged. */
  cut(reason: string): void;
  /** Returns to answering the client's requests; false when the connection cannot. */
  releaseRole(): boolean;
}

/** Sends the server's requests on one connection, one at a time; each response has a deadline. */
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
    // A caller may await `closed` later or never; unhandled, the rejection would end the process.
    this.closed.catch(() => {});
  }

  /** Whether a response is awaited. */
  get isBusy(): boolean {
    return this.#pendingResponse !== undefined;
  }

  /**
   * Sends `request`, wipes it and resolves with the response, framed but not decoded.
   *
   * @throws {ChannelClosedError} when the channel ends before the response.
   */
  exchange(request: Uint8Array): Promise<Uint8Array> {
    if (this.#isEnded || this.#isFinishing) {
      request.fill(0);
      return Promise.reject(new ChannelClosedError());
    }
    if (this.#pendingResponse !== undefined) throw new TypeError('one request at a time');
    const pendingResponse = Promise.withResolvers<Uint8Array>();
    this.#pendingResponse = pendingResponse;
    this.#deadline = setTimeout(() => this.cut('no response in time'), this.#milliseconds);
    this.#transport.write(request);
    return pendingResponse.promise;
  }

  /** Processes bytes from the peer. */
  receive(chunk: Uint8Array): void {
    try {
      for (const message of this.#framer.push(chunk)) this.#resolveResponse(message);
      if (this.#framer.hasPartialMessage && !this.isBusy) this.cut('unexpected data from the client');
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.cut(`response is not TTLV: ${error.message}`);
    }
  }

  /** Refuses further requests; the awaited response may still arrive. */
  finish(): void {
    this.#isFinishing = true;
  }

  /** Destroys the connection for `reason` and ends the channel. */
  cut(reason: string): void {
    if (!this.#isEnded) this.#transport.cut(reason);
    this.end();
  }

  /** Returns the requesting role to the client; false when that is not possible. */
  releaseRole(): boolean {
    if (this.#isEnded || !this.#transport.releaseRole()) return false;
    this.end();
    return true;
  }

  /** Ends the channel: the connection has closed or its roles are exchanged again. */
  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#deadline);
    this.#pendingResponse?.reject(new ChannelClosedError());
    this.#pendingResponse = undefined;
    this.#closedResolvers.reject(new ChannelClosedError());
  }

  #resolveResponse(message: Uint8Array): void {
    const pendingResponse = this.#pendingResponse;
    if (pendingResponse === undefined) return this.cut('unexpected data from the client');
    this.#pendingResponse = undefined;
    clearTimeout(this.#deadline);
    pendingResponse.resolve(message);
  }
}

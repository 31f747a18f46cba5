/**
 * Port between `net/` and `protocol/` for a connection on which the server sends requests and the client
 * answers.
 */
export interface ReverseChannel {
  /**
   * Sends one encoded request and resolves with the bytes of the answer. The request is overwritten when it
   * is sent.
   * @throws {ChannelClosedError} when the connection ends first, also because no answer came in time.
   */
  exchange(request: Uint8Array): Promise<Uint8Array>;
  /** Rejects with ChannelClosedError when the connection ends or its role is released; never resolves. */
  readonly closed: Promise<never>;
  /** Ends the connection at once; `reason` is for the log. */
  cut(reason: string): void;
  /** Lets the client send requests again. False on a connection that the server has opened. */
  releaseRole(): boolean;
}

/** The connection has ended, or the server may no longer send requests on it. */
export class ChannelClosedError extends Error {
  override readonly name = 'ChannelClosedError';
  readonly code = 'CHANNEL_CLOSED';
}

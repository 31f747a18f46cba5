/** Port between `net/` and `protocol/` for a connection on which the server asks and the client answers. */
export interface ReverseChannel {
  /**
   * Sends one encoded request and resolves with the bytes of the answer. The request is wiped once it is
   * sent. Rejects with LineClosed when the connection is over, also because no answer came in time.
   */
  exchange(request: Uint8Array): Promise<Uint8Array>;
  /** Rejects with LineClosed when the connection is over or handed back; never resolves. */
  readonly closed: Promise<never>;
  /** Ends the connection at once; `reason` goes to the log. */
  cut(reason: string): void;
  /** The client asks again, and the server answers. False on a connection that the server has opened. */
  releaseRole(): boolean;
}

/** There is nobody at the other end any more. */
export class ChannelClosedError extends Error {
  override readonly name = 'ChannelClosedError';
  readonly code = 'CHANNEL_CLOSED';
}

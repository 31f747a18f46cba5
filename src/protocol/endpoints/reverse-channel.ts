/** Port between `net/` and `protocol/` for a connection on which the server asks and the client answers. */
export interface Line {
  /**
   * Sends one encoded request and resolves with the bytes of the answer. The request is wiped once it is sent. Rejects
   * with LineClosed when the connection is over, also because no answer came in time.
   */
  exchange(request: Uint8Array): Promise<Uint8Array>;
  /** Rejects with LineClosed when the connection is over or handed back; never resolves. */
  readonly closed: Promise<never>;
  /** Ends the connection at once; `reason` goes to the log. */
  cut(reason: string): void;
  /** The client asks again, and the server answers. False on a connection that the server has opened. */
  handBack(): boolean;
}

/** There is nobody at the other end any more. */
export class LineClosed extends Error {
  override readonly name = 'LineClosed';
}

/**
 * What is wrong with bytes from the peer. `malformed`: not TTLV, nothing behind this point can be trusted.
 * `field`: well-formed TTLV that does not fit the schema (missing, duplicate or wrongly typed field). `unknown`: a field
 * that the structure does not have.
 */
export type WireErrorKind = 'malformed' | 'field' | 'unknown';

/** Bytes that cannot be read. The text names tags and types, never values. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code = 'WIRE';
  readonly kind: WireErrorKind;
  /** Byte offset in the message where the offending item starts; -1 when there is none. */
  readonly offset: number;

  constructor(kind: WireErrorKind, message: string, offset = -1) {
    super(offset < 0 ? message : `${message} (at byte ${offset})`);
    this.kind = kind;
    this.offset = offset;
  }
}

/**
 * Kind of a decoding error. `malformed`: not TTLV, so that the rest of the message cannot be read either.
 * `field`: well-formed TTLV that does not fit the schema (missing, duplicate or wrongly typed field).
 * `unknown`: a field that the structure does not have.
 */
export type WireErrorKind = 'malformed' | 'field' | 'unknown';

/** A message that cannot be decoded. The error message contains tags and types, never values. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code = 'WIRE';
  readonly kind: WireErrorKind;
  /** Byte offset of the offending item in the message; -1 when unknown. */
  readonly offset: number;

  constructor(kind: WireErrorKind, message: string, offset = -1) {
    super(offset < 0 ? message : `${message} (at byte ${offset})`);
    this.kind = kind;
    this.offset = offset;
  }
}

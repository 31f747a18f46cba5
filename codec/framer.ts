import { tagNumber } from './tags.ts';
import { WireError } from './wire-error.ts';

/** Tag of the messages in a stream. */
export type FrameKind = 'RequestMessage' | 'ResponseMessage';

const headerBytes = 8;
const structureType = 1;

/**
 * Splits a stream of bytes into whole TTLV messages, independent of the chunks. The framer checks the header
 * and compares its length with the limit before it allocates a buffer, so a peer can make it hold at most one
 * message of that size.
 */
export class Framer {
  readonly #tag: number;
  readonly #limit: number;
  /** First bytes of a header that came in pieces. */
  readonly #header = new Uint8Array(headerBytes);
  #headerFilled = 0;
  /** Buffer of a message that spans several chunks, allocated once for its length. */
  #message: Uint8Array | undefined;
  #filled = 0;

  /** `limit`: size of the largest accepted message in bytes, header included. */
  constructor(kind: FrameKind, limit: number) {
    this.#tag = tagNumber(kind);
    this.#limit = limit;
  }

  /** Whether a part of a message has arrived and its end has not. */
  get hasPartialMessage(): boolean {
    return this.#headerFilled > 0 || this.#message !== undefined;
  }

  /**
   * Yields the messages that `chunk` completes, in order. A message within one chunk is a view of it. After
   * an error the framer cannot be used any more.
   *
   * @throws {WireError} `malformed` when the stream is not TTLV or a message is too long.
   */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    for (let at = 0; at < chunk.length; ) {
      if (this.#message !== undefined) {
        at += this.#fill(this.#message, chunk.subarray(at));
        if (this.#filled === this.#message.length) yield this.#take(this.#message);
      } else if (this.#headerFilled === 0 && chunk.length - at >= headerBytes) {
        const length = this.#lengthOf(chunk.subarray(at, at + headerBytes));
        if (chunk.length - at >= length) {
          yield chunk.subarray(at, at + length);
          at += length;
        } else {
          this.#message = new Uint8Array(length);
        }
      } else {
        const taken = Math.min(headerBytes - this.#headerFilled, chunk.length - at);
        this.#header.set(chunk.subarray(at, at + taken), this.#headerFilled);
        this.#headerFilled += taken;
        at += taken;
        if (this.#headerFilled === headerBytes) this.#begin();
        const begun = this.#message as Uint8Array | undefined;
        if (begun !== undefined && this.#filled === begun.length) yield this.#take(begun);
      }
    }
  }

  /** Starts a message whose header is complete. */
  #begin(): void {
    this.#message = new Uint8Array(this.#lengthOf(this.#header));
    this.#message.set(this.#header);
    this.#filled = headerBytes;
    this.#headerFilled = 0;
  }

  /** Copies bytes into the message; returns how many. */
  #fill(message: Uint8Array, rest: Uint8Array): number {
    const part = rest.subarray(0, message.length - this.#filled);
    message.set(part, this.#filled);
    this.#filled += part.length;
    return part.length;
  }

  /** Returns the complete message and resets the framer. */
  #take(message: Uint8Array): Uint8Array {
    this.#message = undefined;
    this.#filled = 0;
    return message;
  }

  /** Bytes of the whole message that starts with this header. */
  #lengthOf(header: Uint8Array): number {
    const view = new DataView(header.buffer, header.byteOffset, headerBytes);
    if (view.getUint32(0) >>> 8 !== this.#tag || header[3] !== structureType) {
      throw new WireError('malformed', 'the bytes do not begin a KMIP message', 0);
    }
    const length = headerBytes + view.getUint32(4);
    if (length > this.#limit) {
      throw new WireError(
        'malformed',
        `the message has ${length} bytes, more than the ${this.#limit} allowed`,
        4,
      );
    }
    if (length % 8 !== 0)
      throw new WireError('malformed', 'the length of the message is not a multiple of 8', 4);
    return length;
  }
}

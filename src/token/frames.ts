import { allocateSecretBytes } from '../common/secret.ts';

/**
 * Frames between the daemon and the process of the token, in both directions:
 *
 *     u32 length ‖ u8 verb ‖ u64 request ‖ body        big-endian; length counts what follows it
 *
 * An answer has the verb and the number of its request, or the verb `failure`.
 */

export const verbs = {
  failure: 0,
  /** Loads the library and finds the token. */
  hello: 1,
  /** Opens a session and logs in. */
  login: 2,
  /** Finds, makes or tries a key, and chooses how it wraps. */
  key: 3,
  wrap: 4,
  unwrap: 5,
  ping: 6,
  /** Lists what the token can do. */
  check: 7,
  /** Makes a key that is a managed object. */
  keyMake: 8,
  /** Encrypts, decrypts or signs by such a key. */
  keyUse: 9,
  keyRemove: 10,
  keyList: 11,
} as const;

export type VerbName = keyof typeof verbs;

export interface Frame {
  readonly verb: VerbName;
  readonly request: number;
  /** Memory of its own, which the receiver may wipe. */
  readonly body: Uint8Array;
}

export const maxBodyBytes = 4_096;
/** Data of a use of a key, with what stands beside it; see `maxDeviceBytes`. */
export const maxUseBodyBytes = 1_310_720;
/** Bytes of length, verb and request. */
export const headerBytes = 13;
const lengthBytes = 4;

const namesByVerb: ReadonlyMap<number, VerbName> = new Map(
  Object.entries(verbs).map(([name, verb]) => [verb, name as VerbName]),
);

const maxBodyBytesOf = (verb: VerbName): number => (verb === 'keyUse' ? maxUseBodyBytes : maxBodyBytes);

/** `FRAME`: the other side has sent something that is no frame. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly code = 'FRAME';
}

/**
 * Returns the bytes of a frame in memory of its own.
 * @throws {FrameError} when the body is too long.
 */
export function encodeFrame({ verb, request, body }: Frame): Uint8Array {
  if (body.length > maxBodyBytesOf(verb)) throw new FrameError(`a body has ${body.length} bytes`);
  const bytes = allocateSecretBytes(headerBytes + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length - lengthBytes);
  view.setUint8(lengthBytes, verbs[verb]);
  view.setBigUint64(lengthBytes + 1, BigInt(request));
  bytes.set(body, headerBytes);
  return bytes;
}

/**
 * Returns verb and request of a header of 13 bytes, and allocates the body that follows it.
 * @throws {FrameError} before anything is allocated.
 */
export function decodeHeader(header: Uint8Array): Frame {
  const view = new DataView(header.buffer, header.byteOffset, headerBytes);
  const length = view.getUint32(0) - (headerBytes - lengthBytes);
  const verb = namesByVerb.get(view.getUint8(lengthBytes));
  if (length < 0 || length > maxBodyBytesOf(verb ?? 'failure'))
    throw new FrameError('the length of a frame is not possible');
  const request = view.getBigUint64(lengthBytes + 1);
  if (verb === undefined || request > BigInt(Number.MAX_SAFE_INTEGER))
    throw new FrameError('the verb or the number of a frame is not possible');
  return { verb, request: Number(request), body: allocateSecretBytes(length) };
}

/** Takes frames out of a stream, whatever pieces it comes in. Holds one frame at most. */
export class FrameReader {
  readonly #header = new Uint8Array(headerBytes);
  #frame: Frame | undefined;
  /** Bytes of the header, or of the body once there is a frame. */
  #filled = 0;

  /**
   * Returns the frames that a piece completes, and overwrites the piece, which may have had a secret.
   * @throws {FrameError} when it is not a frame; the stream is of no use any more.
   */
  push(piece: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    try {
      for (let at = 0; at < piece.length || this.#isComplete; ) {
        if (this.#isComplete) {
          frames.push(this.#take());
          continue;
        }
        const target = this.#frame?.body ?? this.#header;
        const part = piece.subarray(at, at + target.length - this.#filled);
        target.set(part, this.#filled);
        this.#filled += part.length;
        at += part.length;
        if (this.#frame === undefined && this.#filled === headerBytes) {
          this.#frame = decodeHeader(this.#header);
          this.#filled = 0;
        }
      }
    } finally {
      piece.fill(0);
    }
    return frames;
  }

  get #isComplete(): boolean {
    return this.#frame !== undefined && this.#filled === this.#frame.body.length;
  }

  #take(): Frame {
    const frame = this.#frame as Frame;
    this.#frame = undefined;
    this.#filled = 0;
    return frame;
  }

  /** Overwrites what has come of an unfinished frame. */
  wipe(): void {
    this.#frame?.body.fill(0);
    this.#header.fill(0);
  }
}

import { concatBytes } from '../common/bytes.ts';
import type { Enrolment } from '../identity/principal.ts';

/** The client that made an object. The name alone would also be that of a later client. */
export type Maker = Readonly<Required<Pick<Enrolment, 'client' | 'enrolledAt'>>>;

/** Returns the client as maker of what it makes; undefined where the time of its enrolment is not known. */
export function makerOf({ client, enrolledAt }: Enrolment): Maker | undefined {
  return enrolledAt === undefined ? undefined : { client, enrolledAt };
}

/** Whether the client is the maker: enrolled under that name by the same decision of the operator. */
export function isMaker({ client, enrolledAt }: Maker, other: Enrolment): boolean {
  return client === other.client && enrolledAt === other.enrolledAt;
}

/** TTLV: three bytes of tag, one of type, four of length. */
const headerBytes = 8;
const lengthBytes = 4;
const timeBytes = 8;

/** Encodes a maker: the time of its enrolment (seconds, binary64, big-endian), then its name in UTF-8. */
export function encodeMaker({ client, enrolledAt }: Maker): Uint8Array {
  const time = new Uint8Array(timeBytes);
  new DataView(time.buffer).setFloat64(0, enrolledAt);
  return concatBytes([time, new TextEncoder().encode(client)]);
}

/** The inverse of `encodeMaker`. */
export function decodeMaker(encoded: Uint8Array): Maker {
  const { buffer, byteOffset } = encoded;
  const client = new TextDecoder().decode(encoded.subarray(timeBytes));
  return { client, enrolledAt: new DataView(buffer, byteOffset).getFloat64(0) };
}

/**
 * Splits what is stored of an object beside its value into the encoded attributes and the encoded maker,
 * which follows them; both are views. Objects of an older kmipd have no maker.
 */
export function splitMaker(stored: Uint8Array): { attributes: Uint8Array; maker: Uint8Array | undefined } {
  let end = 0;
  for (const byte of stored.subarray(headerBytes - lengthBytes, headerBytes)) end = end * 256 + byte;
  end += headerBytes;
  if (stored.length <= end) return { attributes: stored, maker: undefined };
  return { attributes: stored.subarray(0, end), maker: stored.subarray(end) };
}

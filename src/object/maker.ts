import { concatBytes } from '../common/bytes.ts';
import { readJson, writeJson } from '../common/json.ts';
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

/** What a destroyed object was, as long as it can be restored. */
export interface Retention {
  /** POSIX seconds from which on it is not restored any more. */
  readonly until: number;
  /** The record of the copies of its key when it was destroyed; null: there was none. */
  readonly copies: string | null;
  /** Its attributes, encoded. */
  readonly attributes: Uint8Array;
}

/** What is stored of an object beside its value. */
export interface BesideValue {
  /** Encoded, TTLV. */
  readonly attributes: Uint8Array;
  readonly retention?: Retention | undefined;
  /** Encoded. */
  readonly maker?: Uint8Array | undefined;
}

/** Header of a structure that is no Attributes, before its length: tag of Attribute, type Structure. */
const retentionHeader = [0x42, 0x00, 0x08, 0x01];

/**
 * Joins what is stored of an object beside its value: the attributes and the maker. Of a destroyed object
 * that can be restored, a structure stands in the place of the attributes; it has them, those before, and the
 * rest of the retention as JSON.
 */
export function joinBesideValue({ attributes, retention, maker }: BesideValue): Uint8Array {
  return concatBytes([
    ...(retention === undefined ? [attributes] : wrapRetention(attributes, retention)),
    ...(maker === undefined ? [] : [maker]),
  ]);
}

function wrapRetention(present: Uint8Array, { attributes, until, copies }: Retention): Uint8Array[] {
  const content = [present, attributes, writeJson({ until, copies })];
  const header = new Uint8Array(headerBytes);
  header.set(retentionHeader);
  const length = content.reduce((sum, part) => sum + part.length, 0);
  new DataView(header.buffer).setUint32(headerBytes - lengthBytes, length);
  return [header, ...content];
}

/** The inverse of `joinBesideValue`; what is bytes is a view. Objects of an older kmipd have no maker. */
export function splitBesideValue(stored: Uint8Array): BesideValue {
  const [first, rest] = splitStructure(stored);
  const maker = rest.length === 0 ? undefined : rest;
  if (!retentionHeader.every((byte, at) => first[at] === byte)) return { attributes: first, maker };
  const [attributes, kept] = splitStructure(first.subarray(headerBytes));
  const [before, json] = splitStructure(kept);
  const retention = { ...readJson<Omit<Retention, 'attributes'>>(json), attributes: before };
  return { attributes, retention, maker };
}

/** Splits bytes behind the first TTLV structure. */
function splitStructure(bytes: Uint8Array): readonly [structure: Uint8Array, rest: Uint8Array] {
  let end = 0;
  for (const byte of bytes.subarray(headerBytes - lengthBytes, headerBytes)) end = end * 256 + byte;
  end = Math.min(end + headerBytes, bytes.length);
  return [bytes.subarray(0, end), bytes.subarray(end)];
}

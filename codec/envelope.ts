import {
  AsynchronousIndicator,
  AttestationType,
  BatchErrorContinuationOption,
  Operation,
  ResultReason,
  ResultStatus,
} from './enums.ts';
import { plan } from './plan.ts';
import {
  any,
  bool,
  bytes,
  type Custom,
  date,
  type EraField,
  era,
  type Infer,
  integer,
  many,
  maybe,
  one,
  since,
  struct,
  text,
} from './schema.ts';
import { Authentication, Nonce } from './structures/credentials.ts';
import { tagNumber } from './tags.ts';
import { oldestVersion, type Version, versionNumbers, versionOf } from './version.ts';
import { BinaryReader, checkStructure, type WireLimits } from './wire/binary-reader.ts';
import { type BinaryWriter, encodeMessage } from './wire/binary-writer.ts';
import { WireError } from './wire-error.ts';

/** KMIP 2.1 §9.14, 1.4 §6.1. */
export const ProtocolVersion = struct({
  ProtocolVersionMajor: one(integer),
  ProtocolVersionMinor: one(integer),
});
export type ProtocolVersion = Infer<typeof ProtocolVersion>;

const asynchronousIndicator: EraField<boolean | AsynchronousIndicator | undefined> = era({
  '1.x': maybe(bool),
  '2.x': maybe(AsynchronousIndicator),
});

/** KMIP 2.1 §8.1.2 (request header), 1.4 §7.2. */
export const RequestHeader = struct({
  ProtocolVersion: one(ProtocolVersion),
  MaximumResponseSize: maybe(integer),
  ClientCorrelationValue: since('1.4', maybe(text)),
  ServerCorrelationValue: since('1.4', maybe(text)),
  AsynchronousIndicator: asynchronousIndicator,
  AttestationCapableIndicator: since('1.2', maybe(bool)),
  AttestationType: since('1.2', many(AttestationType)),
  Authentication: maybe(Authentication),
  BatchErrorContinuationOption: maybe(BatchErrorContinuationOption),
  BatchOrderOption: maybe(bool),
  TimeStamp: maybe(date),
  BatchCount: one(integer),
});
export type RequestHeader = Infer<typeof RequestHeader>;

/** KMIP 2.1 §9.9, 1.4 §6.16. */
export const MessageExtension = struct({
  VendorIdentification: one(text),
  CriticalityIndicator: one(bool),
  VendorExtension: one(any),
});
export type MessageExtension = Infer<typeof MessageExtension>;

/** KMIP 2.1 §8.1.3 (response header), 1.4 §7.2. */
export const ResponseHeader = struct({
  ProtocolVersion: one(ProtocolVersion),
  TimeStamp: one(date),
  Nonce: since('1.2', maybe(Nonce)),
  ServerHashedPassword: since('2.0', maybe(bytes)),
  AttestationType: since('1.2', many(AttestationType)),
  ClientCorrelationValue: since('1.4', maybe(text)),
  ServerCorrelationValue: since('1.4', maybe(text)),
  BatchCount: one(integer),
});
export type ResponseHeader = Infer<typeof ResponseHeader>;

/**
 * A batch item of a request. Its payload is unread: the schema depends on the operation, and an error in it
 * concerns this item alone.
 */
export interface RequestItem {
  readonly operation: Operation;
  readonly ephemeral: boolean;
  readonly uniqueBatchItemID: Uint8Array | undefined;
  /** A reader positioned at the RequestPayload item. */
  readonly payload: BinaryReader;
  readonly messageExtensions: readonly MessageExtension[];
}

/** A request whose payloads are unread. */
export interface RequestMessage {
  readonly version: Version;
  readonly header: RequestHeader;
  readonly items: readonly RequestItem[];
  /** The encoded message. */
  readonly bytes: Uint8Array;
}

/**
 * A message in a protocol version that is not supported; `major` and `minor` are the numbers in its header.
 */
export class UnsupportedVersionError extends Error {
  override readonly name = 'UnsupportedVersionError';
  readonly code = 'UNSUPPORTED_VERSION';
  readonly major: number;
  readonly minor: number;

  constructor(major: number, minor: number) {
    super(`protocol version ${major}.${minor} is not supported`);
    this.major = major;
    this.minor = minor;
  }
}

/** Schema of an unread payload: a separate reader positioned at it. */
export const unreadPayload: Custom<BinaryReader> = {
  kind: 'custom',
  examples: () => [],
  compile: () => ({
    read: (reader) => reader.detach(),
    write: (writer, _tag, payload) => writer.raw(payload.bytes.subarray(payload.offset, payload.end)),
  }),
};

const requestItem = struct({
  Operation: one(Operation),
  Ephemeral: since('2.0', maybe(bool)),
  UniqueBatchItemID: maybe(bytes),
  RequestPayload: one(unreadPayload),
  MessageExtension: many(MessageExtension),
});

/**
 * Reads a request; payloads stay unread. Byte strings are views of `bytes`.
 *
 * @throws {WireError} when the message as a whole cannot be read.
 * @throws {UnsupportedVersionError} when its protocol version is not supported.
 */
export function decodeRequest(bytes: Uint8Array, limits: WireLimits): RequestMessage {
  checkStructure(bytes, limits);
  const reader = new BinaryReader(bytes);
  if (reader.tag() !== tagNumber('RequestMessage'))
    throw new WireError('malformed', 'not a Request Message', 0);
  const outer = reader.enter();
  if (reader.tag() !== tagNumber('RequestHeader'))
    throw new WireError('field', 'RequestHeader is missing', reader.offset);
  const version = readVersion(reader.fork());
  const header = plan(RequestHeader, version).read(reader);
  const itemPlan = plan(requestItem, version);
  const items: RequestItem[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag !== tagNumber('BatchItem'))
      throw new WireError('field', 'only Batch Items may follow the header', reader.offset);
    const item = itemPlan.read(reader);
    items.push({
      operation: item.Operation,
      ephemeral: item.Ephemeral ?? false,
      uniqueBatchItemID: item.UniqueBatchItemID,
      payload: item.RequestPayload,
      messageExtensions: item.MessageExtension,
    });
  }
  reader.leave(outer);
  if (reader.tag() !== 0) throw new WireError('malformed', 'more than one message', reader.offset);
  return { version, header, items, bytes };
}

/**
 * Reads the version of the header at the reader, which moves.
 *
 * @throws {WireError} when the header has no version.
 * @throws {UnsupportedVersionError} when the version is not supported.
 */
export function readVersion(reader: BinaryReader): Version {
  reader.enter();
  while (reader.tag() !== 0 && reader.tag() !== tagNumber('ProtocolVersion')) reader.skip();
  if (reader.tag() === 0) throw new WireError('field', 'ProtocolVersion is missing');
  const { ProtocolVersionMajor: major, ProtocolVersionMinor: minor } = plan(ProtocolVersion, '1.0').read(
    reader,
  );
  const version = versionOf(major, minor);
  if (version === undefined) throw new UnsupportedVersionError(major, minor);
  return version;
}

/**
 * Offsets of the version numbers in messages of every known client: the version is the first field of the
 * header.
 */
const usualMajorOffset = 32;
const usualMinorOffset = 48;

/**
 * Guesses the version of a message that cannot be read, so that the client can read the error response; 1.0
 * when in doubt.
 */
export function guessVersion(bytes: Uint8Array): Version {
  if (bytes.length < usualMinorOffset + 4) return oldestVersion;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return versionOf(view.getInt32(usualMajorOffset), view.getInt32(usualMinorOffset)) ?? oldestVersion;
}

/** A batch item of a response. `operation` is absent only when the request message could not be read. */
export interface ResponseItem {
  readonly operation?: Operation | undefined;
  readonly uniqueBatchItemID?: Uint8Array | undefined;
  readonly status: ResultStatus;
  readonly reason?: ResultReason | undefined;
  readonly message?: string | undefined;
  readonly asynchronousCorrelationValue?: Uint8Array | undefined;
  /** Writes the ResponsePayload item. */
  readonly payload?: ((writer: BinaryWriter) => void) | undefined;
}

const Tag = {
  ResponseMessage: tagNumber('ResponseMessage'),
  ResponseHeader: tagNumber('ResponseHeader'),
  BatchItem: tagNumber('BatchItem'),
  Operation: tagNumber('Operation'),
  UniqueBatchItemID: tagNumber('UniqueBatchItemID'),
  ResultStatus: tagNumber('ResultStatus'),
  ResultReason: tagNumber('ResultReason'),
  ResultMessage: tagNumber('ResultMessage'),
  AsynchronousCorrelationValue: tagNumber('AsynchronousCorrelationValue'),
} as const;

/** Fields of a response header beside the batch count. */
export interface ResponseHeaderFields {
  readonly version: Version;
  /** POSIX seconds. */
  readonly timeStamp: number;
  /** Only when the request was authenticated by a Hashed Password. */
  readonly serverHashedPassword?: Uint8Array | undefined;
  readonly clientCorrelationValue?: string | undefined;
}

/** Encodes a response into a new buffer. */
export function encodeResponse(head: ResponseHeaderFields, items: readonly ResponseItem[]): Uint8Array {
  return encodeMessage((writer) => {
    const message = writer.open(Tag.ResponseMessage);
    const { major, minor } = versionNumbers(head.version);
    plan(ResponseHeader, head.version).write(writer, Tag.ResponseHeader, {
      ProtocolVersion: { ProtocolVersionMajor: major, ProtocolVersionMinor: minor },
      TimeStamp: head.timeStamp,
      ServerHashedPassword: head.serverHashedPassword,
      AttestationType: [],
      ClientCorrelationValue: head.clientCorrelationValue,
      BatchCount: items.length,
    });
    for (const item of items) writeItem(writer, item);
    writer.close(message);
  });
}

function writeItem(writer: BinaryWriter, item: ResponseItem): void {
  const start = writer.open(Tag.BatchItem);
  if (item.operation !== undefined) writer.enumeration(Tag.Operation, Operation.toNumber(item.operation));
  if (item.uniqueBatchItemID !== undefined) writer.byteString(Tag.UniqueBatchItemID, item.uniqueBatchItemID);
  writer.enumeration(Tag.ResultStatus, ResultStatus.toNumber(item.status));
  if (item.reason !== undefined) writer.enumeration(Tag.ResultReason, ResultReason.toNumber(item.reason));
  if (item.message !== undefined) writer.text(Tag.ResultMessage, item.message);
  if (item.asynchronousCorrelationValue !== undefined) {
    writer.byteString(Tag.AsynchronousCorrelationValue, item.asynchronousCorrelationValue);
  }
  item.payload?.(writer);
  writer.close(start);
}

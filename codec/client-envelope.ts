import { Operation, ResultReason, ResultStatus } from './enums.ts';
import { MessageExtension, RequestHeader, ResponseHeader, readVersion, unreadPayload } from './envelope.ts';
import { plan } from './plan.ts';
import { bytes, type Infer, many, maybe, one, struct, text } from './schema.ts';
import { tagNumber } from './tags.ts';
import { type Version, versionNumbers } from './version.ts';
import { BinaryReader, checkStructure, type WireLimits } from './wire/binary-reader.ts';
import { type BinaryWriter, encodeMessage } from './wire/binary-writer.ts';
import { WireError } from './wire-error.ts';

/**
 * The client's side of `envelope.ts`: writes requests and reads responses. The server uses it to send
 * requests of its own.
 */

const Tag = {
  RequestMessage: tagNumber('RequestMessage'),
  RequestHeader: tagNumber('RequestHeader'),
  ResponseMessage: tagNumber('ResponseMessage'),
  ResponseHeader: tagNumber('ResponseHeader'),
  BatchItem: tagNumber('BatchItem'),
  Operation: tagNumber('Operation'),
} as const;

/** Encodes a request of one batch item into a new buffer; `payload` writes the RequestPayload item. */
export function encodeRequest(
  version: Version,
  operation: Operation,
  payload: (writer: BinaryWriter) => void,
): Uint8Array {
  return encodeMessage((writer) => {
    const message = writer.open(Tag.RequestMessage);
    const { major, minor } = versionNumbers(version);
    plan(RequestHeader, version).write(writer, Tag.RequestHeader, {
      ProtocolVersion: { ProtocolVersionMajor: major, ProtocolVersionMinor: minor },
      AttestationType: [],
      BatchCount: 1,
    });
    const item = writer.open(Tag.BatchItem);
    writer.enumeration(Tag.Operation, Operation.toNumber(operation));
    payload(writer);
    writer.close(item);
    writer.close(message);
  });
}

const receivedItem = struct({
  /** Absent when the whole request could not be read. */
  Operation: maybe(Operation),
  UniqueBatchItemID: maybe(bytes),
  ResultStatus: one(ResultStatus),
  ResultReason: maybe(ResultReason),
  ResultMessage: maybe(text),
  AsynchronousCorrelationValue: maybe(bytes),
  ResponsePayload: maybe(unreadPayload),
  MessageExtension: many(MessageExtension),
});

/** A batch item of a response. Its payload is unread, because the schema depends on the operation. */
export type ReceivedItem = Infer<typeof receivedItem>;

/** A response whose payloads are unread. */
export interface ResponseMessage {
  readonly version: Version;
  readonly items: readonly ReceivedItem[];
}

/**
 * Reads a response; payloads stay unread. Byte strings are views of `bytes`.
 *
 * @throws {WireError} when the bytes are not one response message.
 * @throws {UnsupportedVersionError} when its protocol version is not supported.
 */
export function decodeResponse(bytes: Uint8Array, limits: WireLimits): ResponseMessage {
  checkStructure(bytes, limits);
  const reader = new BinaryReader(bytes);
  if (reader.tag() !== Tag.ResponseMessage) throw new WireError('malformed', 'not a Response Message', 0);
  const outer = reader.enter();
  if (reader.tag() !== Tag.ResponseHeader)
    throw new WireError('field', 'ResponseHeader is missing', reader.offset);
  const version = readVersion(reader.fork());
  plan(ResponseHeader, version).read(reader);
  const itemPlan = plan(receivedItem, version);
  const items: ReceivedItem[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag !== Tag.BatchItem)
      throw new WireError('field', 'only Batch Items may follow the header', reader.offset);
    items.push(itemPlan.read(reader));
  }
  reader.leave(outer);
  if (reader.tag() !== 0) throw new WireError('malformed', 'more than one message', reader.offset);
  return { version, items };
}

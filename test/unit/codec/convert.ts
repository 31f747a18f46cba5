import { plan } from '../../../codec/plan.ts';
import type { AnySchema } from '../../../codec/schema.ts';
import { type TagName, tagNumber } from '../../../codec/tags.ts';
import type { Version } from '../../../codec/version.ts';
import { BinaryReader, checkStructure } from '../../../codec/wire/binary-reader.ts';
import { BinaryWriter } from '../../../codec/wire/binary-writer.ts';
import { decodeBinary, encodeBinary } from '../../../codec/wire/message.ts';
import { nodeToXml, xmlToNodes } from '../../../codec/wire/xml.ts';
import { limits } from './hex.ts';

/** Encodes a value in the binary encoding for one version. */
export function encodeValue(
  schema: AnySchema,
  version: Version,
  value: unknown,
  tag: TagName = 'RequestPayload',
): Uint8Array {
  const writer = new BinaryWriter();
  plan(schema, version).write(writer, tagNumber(tag), value as never);
  return writer.finish();
}

/** The inverse of `binary`, with the checks for a message of a peer. */
export function decodeValue(schema: AnySchema, version: Version, encoded: Uint8Array): unknown {
  checkStructure(encoded, limits);
  return plan(schema, version).read(new BinaryReader(encoded));
}

/**
 * Encodes a value for one version and converts it to XML without the outermost element and without layout.
 */
export function encodeToXml(schema: AnySchema, version: Version, value: unknown): string {
  const xml = nodeToXml(decodeBinary(encodeValue(schema, version, value), limits));
  return xml
    .split('\n')
    .map((line) => line.trim())
    .slice(1, -2)
    .join('');
}

/** Decodes a value for one version from the items of a payload in XML. */
export function decodeFromXml(schema: AnySchema, version: Version, items: string): unknown {
  const [message] = xmlToNodes(`<RequestMessage>${items}</RequestMessage>`, limits);
  if (message === undefined) throw new TypeError('no message');
  return decodeValue(schema, version, encodeBinary({ ...message, tag: tagNumber('RequestPayload') }));
}

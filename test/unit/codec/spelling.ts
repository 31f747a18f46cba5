import { plan } from '../../../codec/plan.ts';
import type { AnySchema } from '../../../codec/schema.ts';
import { type TagName, tagNumber } from '../../../codec/tags.ts';
import type { Version } from '../../../codec/version.ts';
import { BinaryReader, checkStructure } from '../../../codec/wire/binary-reader.ts';
import { BinaryWriter } from '../../../codec/wire/binary-writer.ts';
import { decodeBinary, encodeBinary } from '../../../codec/wire/message.ts';
import { nodeToXml, xmlToNodes } from '../../../codec/wire/xml.ts';
import { limits } from './hex.ts';

/** A value as the binary encoding of one version has it. */
export function binary(
  schema: AnySchema,
  version: Version,
  value: unknown,
  tag: TagName = 'RequestPayload',
): Uint8Array {
  const writer = new BinaryWriter();
  plan(schema, version).write(writer, tagNumber(tag), value as never);
  return writer.finish();
}

/** The inverse of `binary`, checked as a message from a peer is. */
export function parse(schema: AnySchema, version: Version, encoded: Uint8Array): unknown {
  checkStructure(encoded, limits);
  return plan(schema, version).read(new BinaryReader(encoded));
}

/** What one version writes for a value, in XML without the outermost element and without layout. */
export function spelt(schema: AnySchema, version: Version, value: unknown): string {
  const xml = nodeToXml(decodeBinary(binary(schema, version, value), limits));
  return xml
    .split('\n')
    .map((line) => line.trim())
    .slice(1, -2)
    .join('');
}

/** What one version reads from the items of a payload, given in XML. */
export function understood(schema: AnySchema, version: Version, items: string): unknown {
  const [message] = xmlToNodes(`<RequestMessage>${items}</RequestMessage>`, limits);
  if (message === undefined) throw new TypeError('no message');
  return parse(schema, version, encodeBinary({ ...message, tag: tagNumber('RequestPayload') }));
}

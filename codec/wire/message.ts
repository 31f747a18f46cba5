import { WireError } from '../wire-error.ts';
import { BinaryReader, checkStructure, type WireLimits } from './binary-reader.ts';
import { encodeMessage } from './binary-writer.ts';
import { type Node, readNode, writeValue } from './node.ts';

/**
 * Decodes one message in the binary encoding into a tree; byte strings are views of `bytes`.
 *
 * @throws {WireError} when the bytes are not exactly one well-formed TTLV item.
 */
export function decodeBinary(bytes: Uint8Array, limits: WireLimits): Node {
  checkStructure(bytes, limits);
  const reader = new BinaryReader(bytes);
  if (reader.tag() === 0) throw new WireError('malformed', 'no item at all', 0);
  const node = readNode(reader);
  if (reader.tag() !== 0) throw new WireError('malformed', 'more than one item', reader.offset);
  return node;
}

/** Encodes a tree in the binary encoding into a new buffer. */
export function encodeBinary(node: Node): Uint8Array {
  return encodeMessage((writer) => writeValue(writer, node.tag, node));
}

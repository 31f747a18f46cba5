import type { BinaryReader } from './binary-reader.ts';
import type { BinaryWriter } from './binary-writer.ts';
import { Type, type TypeName, typeName } from './types.ts';

/** A TTLV value with its type and without its tag, such as the value of a custom attribute. */
export type TypedValue =
  | { readonly type: 'Structure'; readonly value: readonly Node[] }
  | { readonly type: 'Integer' | 'Enumeration' | 'Interval' | 'DateTime'; readonly value: number }
  | { readonly type: 'LongInteger' | 'DateTimeExtended'; readonly value: bigint }
  | { readonly type: 'BigInteger' | 'ByteString'; readonly value: Uint8Array }
  | { readonly type: 'Boolean'; readonly value: boolean }
  | { readonly type: 'TextString'; readonly value: string };

/** One TTLV item, independent of any schema; the tree that all three encodings have in common. */
export type Node = TypedValue & { readonly tag: number };

/**
 * Reads the next item as a tree; byte strings are views of the message.
 *
 * @throws {WireError} `field`.
 */
export function readNode(reader: BinaryReader): Node {
  const tag = reader.tag();
  const type = typeName(reader.type()) as TypeName;
  switch (type) {
    case 'Structure': {
      const outer = reader.enter();
      const value: Node[] = [];
      while (reader.tag() !== 0) value.push(readNode(reader));
      reader.leave(outer);
      return { tag, type, value };
    }
    case 'Integer':
      return { tag, type, value: reader.integer() };
    case 'Enumeration':
      return { tag, type, value: reader.enumeration() };
    case 'Interval':
      return { tag, type, value: reader.interval() };
    case 'DateTime':
      return { tag, type, value: reader.date() };
    case 'LongInteger':
      return { tag, type, value: reader.long() };
    case 'DateTimeExtended':
      return { tag, type, value: reader.dateExtended() };
    case 'BigInteger':
      return { tag, type, value: reader.bigInteger() };
    case 'ByteString':
      return { tag, type, value: reader.byteString() };
    case 'Boolean':
      return { tag, type, value: reader.boolean() };
    case 'TextString':
      return { tag, type, value: reader.text() };
  }
}

/** Writes a tree under `tag`. */
export function writeValue(writer: BinaryWriter, tag: number, node: TypedValue): void {
  switch (node.type) {
    case 'Structure': {
      const start = writer.open(tag);
      for (const child of node.value) writeValue(writer, child.tag, child);
      return writer.close(start);
    }
    case 'Integer':
      return writer.integer(tag, node.value);
    case 'Enumeration':
      return writer.enumeration(tag, node.value);
    case 'Interval':
      return writer.interval(tag, node.value);
    case 'DateTime':
      return writer.date(tag, node.value);
    case 'LongInteger':
      return writer.long(tag, node.value);
    case 'DateTimeExtended':
      return writer.dateExtended(tag, node.value);
    case 'BigInteger':
      return writer.bigInteger(tag, node.value);
    case 'ByteString':
      return writer.byteString(tag, node.value);
    case 'Boolean':
      return writer.boolean(tag, node.value);
    case 'TextString':
      return writer.text(tag, node.value);
  }
}

/** Whether a text is the XML name of a type. */
export function isTypeName(text: string): text is TypeName {
  return Object.hasOwn(Type, text);
}

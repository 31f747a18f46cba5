import { attributeFromName1x } from '../../codec/attribute-table.ts';
import { type TagName, tagName } from '../../codec/tags.ts';
import { tagLabel } from '../../codec/wire/binary-reader.ts';
import { vocabularyTagOf } from '../../codec/wire/dictionary.ts';
import { formatDate, formatEnumeration, formatMask } from '../../codec/wire/lexical.ts';
import type { Node } from '../../codec/wire/node.ts';

/** One difference between a response and its case. */
export interface Difference {
  /** Tags from the message down, e.g. `BatchItem[2]/ResponsePayload/Attribute(State)/AttributeValue`. */
  readonly path: string;
  readonly expected: string;
  readonly actual: string;
}

/** Displayed bytes of a byte string: enough to distinguish two, too few for a key. */
const shownBytes = 6;

/**
 * An item in one line, for people; byte strings shortened. `before`: the items in front of it, which name a
 * 1.x value.
 */
export function describe(node: Node | undefined, before: readonly Node[] = []): string {
  if (node === undefined) return 'nothing';
  const subject = vocabularyTagOf(node.tag, before);
  switch (node.type) {
    case 'Structure':
      return `{${node.value.map((child, index) => `${tagLabel(child.tag)}: ${describe(child, node.value.slice(0, index))}`).join(', ')}}`;
    case 'Enumeration':
      return formatEnumeration(node.value, subject);
    case 'Integer':
      return formatMask(node.value, subject, ' ') ?? String(node.value);
    case 'DateTime':
      return formatDate(node.value);
    case 'ByteString':
    case 'BigInteger':
      return describeBytes(node.value);
    case 'TextString':
      return JSON.stringify(node.value);
    default:
      return String(node.value);
  }
}

export function describeBytes(value: Uint8Array): string {
  const shown = Buffer.from(value.subarray(0, shownBytes)).toString('hex');
  return value.length > shownBytes ? `${shown}… (${value.length} bytes)` : `${shown || 'empty'}`;
}

/** Name of a tag of the dictionary; undefined for extensions. */
export function nameOf(node: Node): TagName | undefined {
  return tagName(node.tag);
}

/** Step of a path: the tag, for attributes with the attribute's name. */
export function stepOf(node: Node): string {
  if (nameOf(node) !== 'Attribute') return tagLabel(node.tag);
  return `Attribute(${attributeKeyOf(node)})`;
}

/** Which attribute an item is: its tag, the 1.x name, or vendor and name. */
export function attributeKeyOf(node: Node): string {
  if (node.type !== 'Structure' || !['Attribute', 'AttributeReference'].includes(nameOf(node) ?? '')) {
    return tagLabel(node.tag);
  }
  const texts = node.value.flatMap((child) =>
    child.type === 'TextString' && ['VendorIdentification', 'AttributeName'].includes(nameOf(child) ?? '')
      ? [child.value]
      : [],
  );
  return texts.join(':');
}

/**
 * Canonical name of a standard attribute however the version spells it; vendors' attributes as `vendor:name`.
 */
export function canonicalAttribute(key: string): string {
  return attributeFromName1x(key) ?? key;
}

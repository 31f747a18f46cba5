import { type TagName, tagName } from '../tags.ts';
import { WireError } from '../wire-error.ts';
import { tagLabel } from './binary-reader.ts';
import { vocabularyTagOf } from './dictionary.ts';
import * as lexical from './lexical.ts';
import { isTypeName, type Node, type TypedValue } from './node.ts';
import { type MessageLimits, TreeBuilder } from './tree.ts';
import type { TypeName } from './types.ts';

/**
 * Parses the message of a JSON document (KMIP Profiles 1.4 §5, 2.1 §5.5): objects with `tag`, `type`
 * (Structure when left out) and `value`.
 *
 * @throws {WireError} with the path of the item.
 */
export function jsonToNode(text: string, limits: MessageLimits): Node {
  const tree = new TreeBuilder(limits);
  requireShallow(text, 2 * limits.depth + 2);
  addItem(tree, parseJson(text));
  return tree.close();
}

const character = { quote: 0x22, backslash: 0x5c, openList: 0x5b, closeList: 0x5d, open: 0x7b, close: 0x7d };

/**
 * Refuses brackets nested deeper than any message needs (two for each structure) before the parser runs,
 * because JSON.parse of V8 14.6 corrupts the heap on some texts that nest 20,000 deep and do not end.
 */
function requireShallow(text: string, maxDepth: number): void {
  let depth = 0;
  let insideString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === character.quote) insideString = !insideString;
    else if (insideString) {
      if (code === character.backslash) at++;
    } else if (code === character.openList || code === character.open) {
      depth++;
      if (depth > maxDepth) throw new WireError('malformed', `brackets nested deeper than ${maxDepth}`);
    } else if (code === character.closeList || code === character.close) depth--;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch {
    // The parser's own message quotes the text.
    throw new WireError('malformed', 'not well-formed JSON');
  }
}

function addItem(tree: TreeBuilder, item: unknown): void {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    tree.fail('field', 'an item must be an object');
  const {
    tag: tagText,
    type = 'Structure',
    value,
  } = item as { tag?: unknown; type?: unknown; value?: unknown };
  const tag = typeof tagText === 'string' ? lexical.parseTag(tagText) : undefined;
  if (tag === undefined) tree.fail('field', 'an item has no tag of the dictionary');
  if (typeof type !== 'string' || !isTypeName(type))
    tree.fail('field', 'must have the type of a TTLV item', tag);
  if (type === 'Structure') {
    if (value !== undefined && value !== null && !Array.isArray(value))
      tree.fail('field', 'must be an array of items', tag);
    const outermost = tree.depth === 0;
    tree.open(tag);
    for (const child of (value ?? []) as unknown[]) addItem(tree, child);
    if (!outermost) tree.close();
  } else {
    if (tree.depth === 0) tree.fail('malformed', 'must be a structure', tag);
    tree.leaf(tag, (vocabularyTag) => parseLeaf(type, value, vocabularyTag));
  }
}

function parseLeaf(
  type: Exclude<TypeName, 'Structure'>,
  value: unknown,
  vocabularyTag: TagName | undefined,
): TypedValue {
  if (typeof value === 'string') return lexical.parseValue(type, value, vocabularyTag);
  if (typeof value === 'boolean' && type === 'Boolean') return { type, value };
  if (typeof value === 'number') {
    if (type === 'Enumeration' && value === value >>> 0) return { type, value };
    const whole =
      type === 'Integer' || type === 'Interval' || type === 'LongInteger' || type === 'BigInteger';
    if (whole && Number.isSafeInteger(value)) {
      if (type === 'BigInteger')
        return { type, value: lexical.parseBigInteger(lexical.formatLong(BigInt(value))) };
      return lexical.parseValue(type, String(value), undefined);
    }
  }
  throw new WireError('field', `must have the JSON value of ${type}`);
}

/**
 * Formats an item as JSON with canonical names. `indent`: spaces for each level; 0 writes one line, half the
 * size.
 */
export function nodeToJson(node: Node, indent = 2): string {
  return `${JSON.stringify(itemOf(node, tagName(node.tag)), null, indent)}\n`;
}

interface JsonItem {
  tag: string;
  type?: string;
  value: string | number | boolean | JsonItem[];
}

function itemOf(node: Node, vocabularyTag: TagName | undefined): JsonItem {
  const tag = tagName(node.tag) ?? tagLabel(node.tag);
  return node.type === 'Structure'
    ? { tag, value: node.value.map((child, at) => itemOf(child, vocabularyTagOf(child.tag, node.value, at))) }
    : { tag, type: node.type, value: jsonValue(node, vocabularyTag) };
}

/** Numbers from this size on are written in hex, because readers that use doubles would round them. */
const firstInexact = 2n ** 52n;

function jsonValue(
  node: Exclude<TypedValue, { type: 'Structure' }>,
  vocabularyTag: TagName | undefined,
): string | number | boolean {
  switch (node.type) {
    case 'Integer':
      return lexical.formatMask(node.value, vocabularyTag, '|') ?? node.value;
    case 'Enumeration':
      return lexical.formatEnumeration(node.value, vocabularyTag);
    case 'LongInteger':
      return node.value < firstInexact && node.value > -firstInexact
        ? Number(node.value)
        : lexical.formatLong(node.value);
    case 'BigInteger':
      return `0x${lexical.signExtend(node.value).toHex()}`;
    case 'ByteString':
      return node.value.toHex();
    case 'DateTime':
      return lexical.formatDate(node.value);
    case 'DateTimeExtended':
      return lexical.formatDateExtended(node.value);
    default:
      return node.value;
  }
}

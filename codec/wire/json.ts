import { type TagName, tagName } from '../tags.ts';
import { WireError } from '../wire-error.ts';
import { tagLabel } from './binary-reader.ts';
import { vocabularyTagOf } from './dictionary.ts';
import { type JsonScalar, JsonScanner } from './json-scanner.ts';
import * as lexical from './lexical.ts';
import { isTypeName, type Node, type TypedValue } from './node.ts';
import { runToEnd } from './steps.ts';
import { type MessageLimits, TreeBuilder, unknownTag } from './tree.ts';
import type { TypeName } from './types.ts';

/**
 * Parses the message of a JSON document (KMIP Profiles 1.4 §5, 2.1 §5.5): objects with `tag`, `type`
 * (Structure when left out) and `value`, in any order; other members are ignored.
 *
 * @throws {WireError} with the path of the item.
 */
export function jsonToNode(text: string, limits: MessageLimits): Node {
  return runToEnd(readJsonMessage(text, limits));
}

/**
 * Like `jsonToNode`, in steps of bounded time with a yield between them. The limits apply to each item when
 * it is read, before the rest of the text is.
 *
 * @throws {WireError} with the path of the item.
 */
export function* readJsonMessage(text: string, limits: MessageLimits): Generator<void, Node> {
  const reader = new JsonReader(text, limits);
  const node = yield* reader.item();
  if (reader.scanner.peek() !== '') reader.scanner.fail();
  return node as Node;
}

/** The members of an item that have been read. A list of items is read into the tree at once. */
interface Members {
  tag?: JsonScalar | typeof composite;
  type?: JsonScalar | typeof composite;
  value?: JsonScalar | typeof composite | typeof children;
}

/** Stands for an object or list where a scalar is expected. */
const composite = Symbol('composite');
/** Stands for a list whose items are in the tree. */
const children = Symbol('children');

const isMember = (name: string): name is keyof Members =>
  name === 'tag' || name === 'type' || name === 'value';

/** Reads items into a tree in the order of the text. */
class JsonReader {
  readonly scanner: JsonScanner;
  readonly #tree: TreeBuilder;
  readonly #maxSkippedDepth: number;

  constructor(text: string, limits: MessageLimits) {
    this.scanner = new JsonScanner(text);
    this.#tree = new TreeBuilder(limits);
    this.#maxSkippedDepth = limits.depth;
  }

  /** Reads an item into the open structure; returns the outermost one. */
  *item(): Generator<void, Node | undefined> {
    const { scanner } = this;
    if (scanner.isStepOver) yield;
    const first = scanner.peek();
    if (first !== '{') {
      if (first !== '[' && first !== '"') scanner.literal();
      this.#tree.fail('field', 'an item must be an object');
    }
    scanner.expect('{');
    const members: Members = {};
    if (scanner.takes('}')) return this.#add(members);
    do {
      const name = scanner.shortText() ?? (yield* scanner.text());
      scanner.expect(':');
      if (!isMember(name)) yield* scanner.skip(this.#maxSkippedDepth);
      else {
        if (name in members) this.#tree.fail('field', `"${name}" occurs twice in an item`);
        const scalar = this.#scalar();
        const value = scalar === undefined ? yield* this.#long(name, members) : scalar;
        (members as Record<string, unknown>)[name] = value;
      }
    } while (scanner.hasMore('}'));
    return this.#add(members);
  }

  /** Takes a scalar that can be read at once; undefined when the next value is another. */
  #scalar(): JsonScalar | undefined {
    const first = this.scanner.peek();
    if (first === '"') return this.scanner.shortText();
    return first === '[' || first === '{' ? undefined : this.scanner.literal();
  }

  /** Takes a text, an object or a list. */
  *#long(name: keyof Members, members: Members): Generator<void, Members['value']> {
    const { scanner } = this;
    const first = scanner.peek();
    if (first === '"') return yield* scanner.text();
    if (name !== 'value' || first === '{' || (members.type ?? 'Structure') !== 'Structure') {
      yield* scanner.skip(this.#maxSkippedDepth);
      return composite;
    }
    // The structure stays open, because its tag may follow.
    this.#tree.open(members.tag === undefined ? unknownTag : this.#tagOf(members.tag));
    scanner.expect('[');
    if (scanner.takes(']')) return children;
    do yield* this.item();
    while (scanner.hasMore(']'));
    return children;
  }

  /** Adds an item whose members are complete to the tree, or closes the structure that they opened. */
  #add({ tag: tagText, type = 'Structure', value }: Members): Node | undefined {
    const tree: TreeBuilder = this.#tree;
    const tag = this.#tagOf(tagText);
    if (value === children) tree.rename(tag);
    const at = value === children ? undefined : tag;
    if (typeof type !== 'string' || !isTypeName(type))
      tree.fail('field', 'must have the type of a TTLV item', at);
    if (type === 'Structure') {
      if (value !== children) {
        if (value !== undefined && value !== null) tree.fail('field', 'must be an array of items', tag);
        tree.open(tag);
      }
      return tree.close();
    }
    if (typeof value === 'symbol') tree.fail('field', `must have the JSON value of ${type}`, at);
    if (tree.depth === 0) tree.fail('malformed', 'must be a structure', tag);
    tree.leaf(tag, (vocabularyTag) => parseLeaf(type, value, vocabularyTag));
    return undefined;
  }

  #tagOf(text: Members['tag']): number {
    const tag = typeof text === 'string' ? lexical.parseTag(text) : undefined;
    return tag ?? this.#tree.fail('field', 'an item has no tag of the dictionary');
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

import type { TagName } from '../tags.ts';
import { WireError, type WireErrorKind } from '../wire-error.ts';
import { tagLabel, type WireLimits } from './binary-reader.ts';
import { vocabularyTagOf } from './dictionary.ts';
import type { Node, TypedValue } from './node.ts';

/** Bounds of a message in any encoding; `bytes` is its size in TTLV, whatever the size of the text. */
export interface MessageLimits extends WireLimits {
  readonly bytes: number;
}

/** Tag of a structure whose tag follows its items in the text. */
export const unknownTag = 0;

interface OpenStructure {
  tag: number;
  readonly children: Node[];
}

/**
 * Builds a tree from the items of a text encoding in the order of their arrival, and checks the limits of the
 * binary encoding with each item. Every method throws WireError with the path of the item,
 * `RequestMessage/BatchItem[1]/Operation`; the index counts items of the same tag from 0 and is left out for
 * the first.
 */
export class TreeBuilder {
  readonly #limits: MessageLimits;
  readonly #open: OpenStructure[] = [];
  #bytes = 0;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  /** Number of open structures. */
  get depth(): number {
    return this.#open.length;
  }

  /** Starts a structure inside the open one, or a new message when none is open. */
  open(tag: number): void {
    if (this.#open.length === 0) this.#bytes = 0;
    if (this.#open.length >= this.#limits.depth) {
      this.fail('malformed', `structures nested deeper than ${this.#limits.depth}`, tag);
    }
    this.#count(tag, 8);
    this.#open.push({ tag, children: [] });
  }

  /** Ends the structure that was opened last and returns it. */
  close(): Node {
    const { tag, children } = this.#open.pop() as OpenStructure;
    const node: Node = { tag, type: 'Structure', value: children };
    this.#open.at(-1)?.children.push(node);
    return node;
  }

  /** Gives the structure that was opened last its tag. */
  rename(tag: number): void {
    const structure = this.#open.at(-1);
    if (structure !== undefined) structure.tag = tag;
  }

  /** Adds an item without children; `parse` gets the tag whose vocabulary the value uses. */
  leaf(tag: number, parse: (vocabularyTag: TagName | undefined) => TypedValue): void {
    const siblings = this.#siblings;
    const value = this.withPath(tag, () => parse(vocabularyTagOf(tag, siblings)));
    this.#count(tag, 8 + sizeOf(value));
    siblings.push({ tag, ...value });
  }

  /** Runs `read` and adds the path to its WireErrors. */
  withPath<T>(tag: number | undefined, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof WireError) this.fail(error.kind, error.message, tag);
      throw error;
    }
  }

  /**
   * Throws a WireError about the item `tag` in the open structure, or without `tag` about the structure
   * itself.
   */
  fail(kind: WireErrorKind, message: string, tag?: number): never {
    const path = this.#open.map((item, depth) => label(item.tag, this.#open[depth - 1]?.children ?? []));
    if (tag !== undefined) path.push(label(tag, this.#siblings));
    throw new WireError(kind, path.length === 0 ? message : `${path.join('/')}: ${message}`);
  }

  get #siblings(): Node[] {
    return this.#open.at(-1)?.children ?? [];
  }

  #count(tag: number, bytes: number): void {
    if (this.#siblings.length >= this.#limits.structureItems) {
      this.fail('malformed', `more than ${this.#limits.structureItems} items in one structure`, tag);
    }
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.bytes)
      this.fail('malformed', `message larger than ${this.#limits.bytes} bytes`, tag);
  }
}

function label(tag: number, before: readonly Node[]): string {
  const index = before.filter((item) => item.tag === tag).length;
  return index === 0 ? tagLabel(tag) : `${tagLabel(tag)}[${index}]`;
}

const encoder = new TextEncoder();

/** Size of a value in TTLV in bytes, padding included, header not. */
function sizeOf(value: TypedValue): number {
  switch (value.type) {
    case 'Structure':
      return value.value.reduce((size, child) => size + 8 + sizeOf(child), 0);
    case 'TextString':
      return paddedLength(encoder.encode(value.value).length);
    case 'ByteString':
    case 'BigInteger':
      return paddedLength(value.value.length);
    default:
      return 8;
  }
}

function paddedLength(length: number): number {
  return Math.ceil(length / 8) * 8;
}

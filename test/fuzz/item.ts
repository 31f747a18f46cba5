import { Type } from '../../codec/wire/types.ts';

/**
 * One TTLV item with possibly false type or length, which a hostile client can send and the codec's tree
 * cannot express.
 */
export interface Item {
  tag: number;
  type: number;
  /** Children of a structure, or the value's bytes without padding. */
  value: Item[] | Uint8Array;
  /** Length field, when it is not the true one. */
  length?: number;
  /** Byte that fills the padding, when it is not 0. */
  padding?: number;
  /** Padding bytes are left out. */
  unpadded?: boolean;
}

/** A well-formed message as items. */
export function parse(bytes: Uint8Array): Item {
  const [item] = parseItems(bytes, 0, bytes.length);
  if (item === undefined) throw new Error('no item');
  return item;
}

function parseItems(bytes: Uint8Array, start: number, end: number): Item[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const items: Item[] = [];
  for (let at = start; at < end; ) {
    const type = bytes[at + 3] as number;
    const length = view.getUint32(at + 4);
    const padded = length + ((8 - (length & 7)) & 7);
    const value =
      type === Type.Structure
        ? parseItems(bytes, at + 8, at + 8 + length)
        : bytes.slice(at + 8, at + 8 + length);
    items.push({ tag: view.getUint32(at) >>> 8, type, value });
    at += 8 + padded;
  }
  return items;
}

/** The bytes of an item, lies included. */
export function serialise(item: Item): Uint8Array {
  const lengths = new Map<Item, number>();
  const bytes = new Uint8Array(measure(item, lengths));
  write(item, bytes, 0, lengths);
  return bytes;
}

function paddingOf(item: Item, length: number): number {
  return item.unpadded ? 0 : (8 - (length & 7)) & 7;
}

/** Size of an item; the true length of its value goes into `lengths`. */
function measure(item: Item, lengths: Map<Item, number>): number {
  let length = 0;
  if (item.value instanceof Uint8Array) length = item.value.length;
  else for (const child of item.value) length += measure(child, lengths);
  lengths.set(item, length);
  return 8 + length + paddingOf(item, length);
}

function write(item: Item, bytes: Uint8Array, start: number, lengths: ReadonlyMap<Item, number>): number {
  const length = lengths.get(item) ?? 0;
  const view = new DataView(bytes.buffer);
  view.setUint32(start, ((item.tag << 8) | (item.type & 0xff)) >>> 0);
  view.setUint32(start + 4, (item.length ?? length) >>> 0);
  let at = start + 8;
  if (item.value instanceof Uint8Array) {
    bytes.set(item.value, at);
    at += item.value.length;
  } else {
    for (const child of item.value) at = write(child, bytes, at, lengths);
  }
  const padding = paddingOf(item, length);
  if (item.padding !== undefined) bytes.fill(item.padding, at, at + padding);
  return at + padding;
}

/** A copy that shares nothing. */
export function copy(item: Item): Item {
  const value = item.value instanceof Uint8Array ? item.value.slice() : item.value.map(copy);
  return { ...item, value };
}

/** Position of an item: its parent's children and the index among them. */
export interface Place {
  readonly siblings: Item[];
  readonly index: number;
  readonly item: Item;
}

/** Every item below the root, parents before children. */
export function places(root: Item): Place[] {
  const found: Place[] = [];
  const open: Item[] = [root];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    if (item.value instanceof Uint8Array) continue;
    const siblings = item.value;
    for (const [index, child] of siblings.entries()) {
      found.push({ siblings, index, item: child });
      open.push(child);
    }
  }
  return found;
}

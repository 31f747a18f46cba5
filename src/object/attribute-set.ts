import { type Attribute, attributeKey } from '../../codec/attribute.ts';
import type { AttributeName, AttributeValue } from '../../codec/attribute-table.ts';
import { decodeAttributes, encodeAttributes } from '../../codec/stored-attributes.ts';
import { isSameValue } from './values.ts';

/** Attributes up to which a search through the list is faster than an arrangement. */
const maxLinear = 64;

/** Value of any attribute. */
export type AnyValue = Attribute['value'];

/**
 * The attributes of one object in the order in which they were added. Instances of one attribute share its
 * key (`attributeKey` of the codec) and differ in their Attribute Index: 0, 1, 2 … (KMIP 1.4 §2.1.1). An
 * index never changes; a new instance gets the index after the highest in use, so a gap is never filled.
 *
 * The set is a list with linear search: objects have some twenty attributes, and each Get builds a new set.
 * A long list is arranged by keys when instances are looked for, so that thousands are added in linear time.
 */
export class AttributeSet {
  #list: Attribute[];
  #changed = false;
  /** The list by keys, as long as it has only grown; undefined until it is needed. */
  #byKey: Map<string, Attribute[]> | undefined;

  /** Uses `list` itself, as `decodeAttributes` returns it, without a copy. */
  constructor(list: Attribute[] = []) {
    this.#list = list;
  }

  /** Whether an attribute was set, added or removed since the set was created. */
  get changed(): boolean {
    return this.#changed;
  }

  /** Value of the first instance of a standard attribute. */
  get<N extends AttributeName>(name: N): AttributeValue<N> | undefined {
    return this.#list.find((attribute) => attribute.name === name && attribute.vendor === undefined)?.value as
      | AttributeValue<N>
      | undefined;
  }

  /** All instances of one attribute, in order. */
  all(key: string): readonly Attribute[] {
    if (this.#list.length <= maxLinear) return this.#list.filter((attribute) => isKey(attribute, key));
    return this.#instances(key).slice();
  }

  /** All values of a standard attribute, in order. */
  values<N extends AttributeName>(name: N): readonly AttributeValue<N>[] {
    return this.all(name).map((attribute) => attribute.value as AttributeValue<N>);
  }

  /** Whether there is an instance of the attribute. */
  has(key: string): boolean {
    return this.#list.some((attribute) => isKey(attribute, key));
  }

  /** Every instance of every attribute. */
  list(): readonly Attribute[] {
    return this.#list;
  }

  /** Keys of all attributes, each once. */
  keys(): readonly string[] {
    return [...new Set(this.#list.map(attributeKey))];
  }

  /** Gives a standard attribute this single value. An equal value does not count as a change. */
  set<N extends AttributeName>(name: N, value: AttributeValue<N>): void {
    const at = this.#list.findIndex((attribute) => isKey(attribute, name));
    const attribute = { name, value } as Attribute;
    if (at < 0) this.#push(attribute);
    else if (isSameValue(this.#list[at] as Attribute, attribute) && !this.#hasSecond(name)) return;
    else {
      this.#list[at] = attribute;
      this.#list = this.#list.filter((other, index) => index <= at || !isKey(other, name));
      this.#byKey = undefined;
    }
    this.#changed = true;
  }

  /** Adds an instance under the next free index, whatever its own index is, and returns it as stored. */
  add(attribute: Attribute): Attribute {
    const key = attributeKey(attribute);
    // Instances are in the order of their indexes.
    const last = this.#list.length <= maxLinear ? this.all(key).at(-1) : this.#instances(key).at(-1);
    const stored = withIndex(attribute, last === undefined ? 0 : (last.index ?? 0) + 1);
    this.#push(stored);
    this.#changed = true;
    return stored;
  }

  /** Returns the instance with that index. */
  instance(key: string, index: number): Attribute | undefined {
    return this.#list.find((attribute) => (attribute.index ?? 0) === index && isKey(attribute, key));
  }

  /**
   * Replaces the value of the instance with that index and returns the new instance.
   *
   * @throws {TypeError} when there is none.
   */
  replace(key: string, index: number, value: AnyValue): Attribute {
    const at = this.#list.findIndex((attribute) => (attribute.index ?? 0) === index && isKey(attribute, key));
    const old = this.#list[at];
    if (old === undefined) throw new TypeError(`${key} has no instance ${index}`);
    const replaced = { ...old, value } as Attribute;
    this.#list[at] = replaced;
    this.#byKey = undefined;
    this.#changed = true;
    return replaced;
  }

  /** Removes the instance with that index, or all without an index; returns the removed instances. */
  remove(key: string, index?: number): readonly Attribute[] {
    const isSelected = (attribute: Attribute) =>
      (index === undefined || (attribute.index ?? 0) === index) && isKey(attribute, key);
    const removed = this.#list.filter(isSelected);
    if (removed.length > 0) {
      this.#list = this.#list.filter((attribute) => !isSelected(attribute));
      this.#byKey = undefined;
      this.#changed = true;
    }
    return removed;
  }

  /** Takes over every instance of another set, with its index, in the place of all. */
  replaceAll(other: AttributeSet): void {
    this.#list = [...other.#list];
    this.#byKey = undefined;
    this.#changed = true;
  }

  /** Returns a separate set with the same instances and the same `changed`. */
  clone(): AttributeSet {
    const copy = new AttributeSet([...this.#list]);
    copy.#changed = this.#changed;
    return copy;
  }

  #instances(key: string): readonly Attribute[] {
    this.#byKey ??= Map.groupBy(this.#list, attributeKey);
    return this.#byKey.get(key) ?? [];
  }

  #push(attribute: Attribute): void {
    this.#list.push(attribute);
    const own = this.#byKey?.get(attributeKey(attribute));
    if (own === undefined) this.#byKey?.set(attributeKey(attribute), [attribute]);
    else own.push(attribute);
  }

  #hasSecond(key: string): boolean {
    return this.all(key).length > 1;
  }
}

/** Whether the key is that of the attribute; builds the key only for attributes of vendors. */
function isKey(attribute: Attribute, key: string): boolean {
  if (attribute.vendor === undefined) return attribute.name === key;
  return key.endsWith(attribute.name) && attributeKey(attribute) === key;
}

function withIndex(attribute: Attribute, index: number): Attribute {
  const { index: _, ...bare } = attribute;
  return (index === 0 ? bare : { ...bare, index }) as Attribute;
}

/** Encodes the attributes of an object as they are stored: the Unique Identifier is that of the row. */
export function encodeAttributeSet(attributes: AttributeSet): Uint8Array {
  return encodeAttributes(attributes.list().filter((each) => !isKey(each, 'UniqueIdentifier')));
}

/**
 * The inverse of `encodeAttributeSet`, for the object of that identifier.
 * @throws {WireError} when they cannot be decoded
 */
export function decodeAttributeSet(id: string, encoded: Uint8Array): AttributeSet {
  return new AttributeSet([{ name: 'UniqueIdentifier', value: id }, ...decodeAttributes(encoded)]);
}

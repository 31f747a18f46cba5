import { type Attribute, attributeKey } from '../../codec/attribute.ts';
import type { AttributeName, AttributeValue } from '../../codec/attribute-table.ts';
import { isSameValue } from './values.ts';

/** An attribute's value, whatever the attribute. */
export type AnyValue = Attribute['value'];

/**
 * The attributes of one object, in the order they came. Instances of one attribute share its key (`attributeKey` of the
 * codec) and differ in their index: 0, 1, 2 …, as 1.x names them. An index never moves; a new instance gets the one
 * after the highest in use, so a gap is never filled.
 *
 * A plain list searched from its start: objects have some twenty attributes, and a Get builds the set anew each time.
 */
export class AttributeSet {
  #list: Attribute[];
  #changed = false;

  /** Takes over `list`, as `decodeAttributes` gives it. */
  constructor(list: Attribute[] = []) {
    this.#list = list;
  }

  /** Whether anything was set, added or removed since the set was made. */
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
    return this.#list.filter((attribute) => isKey(attribute, key));
  }

  /** All values of a standard attribute, in order. */
  values<N extends AttributeName>(name: N): readonly AttributeValue<N>[] {
    return this.all(name).map((attribute) => attribute.value as AttributeValue<N>);
  }

  has(key: string): boolean {
    return this.#list.some((attribute) => isKey(attribute, key));
  }

  /** Every instance of every attribute. */
  list(): readonly Attribute[] {
    return this.#list;
  }

  /** Keys of the attributes there are, each once. */
  keys(): readonly string[] {
    return [...new Set(this.#list.map(attributeKey))];
  }

  /** Gives a standard attribute this one value; an equal one is left as it is, and nothing has changed. */
  set<N extends AttributeName>(name: N, value: AttributeValue<N>): void {
    const at = this.#list.findIndex((attribute) => isKey(attribute, name));
    const attribute = { name, value } as Attribute;
    if (at < 0) this.#list.push(attribute);
    else if (isSameValue(this.#list[at] as Attribute, attribute) && !this.#hasSecond(name)) return;
    else {
      this.#list[at] = attribute;
      this.#list = this.#list.filter((other, index) => index <= at || !isKey(other, name));
    }
    this.#changed = true;
  }

  /** Adds an instance under the next free index and returns it as stored; the index it came with is ignored. */
  add(attribute: Attribute): Attribute {
    const key = attributeKey(attribute);
    const next = this.all(key).reduce((highest, { index = 0 }) => Math.max(highest, index), -1) + 1;
    const stored = withIndex(attribute, next);
    this.#list.push(stored);
    this.#changed = true;
    return stored;
  }

  /** The instance of that index. */
  instance(key: string, index: number): Attribute | undefined {
    return this.#list.find((attribute) => (attribute.index ?? 0) === index && isKey(attribute, key));
  }

  /** Gives the instance of that index another value and returns it; the instance must be there. */
  replace(key: string, index: number, value: AnyValue): Attribute {
    const at = this.#list.findIndex((attribute) => (attribute.index ?? 0) === index && isKey(attribute, key));
    const old = this.#list[at];
    if (old === undefined) throw new TypeError(`${key} has no instance ${index}`);
    const replaced = { ...old, value } as Attribute;
    this.#list[at] = replaced;
    this.#changed = true;
    return replaced;
  }

  /** Removes one instance, or all of them when no index is given; returns what was removed. */
  remove(key: string, index?: number): readonly Attribute[] {
    const goes = (attribute: Attribute) =>
      (index === undefined || (attribute.index ?? 0) === index) && isKey(attribute, key);
    const removed = this.#list.filter(goes);
    if (removed.length > 0) {
      this.#list = this.#list.filter((attribute) => !goes(attribute));
      this.#changed = true;
    }
    return removed;
  }

  /** A set of its own with the same instances, as changed as this one. */
  clone(): AttributeSet {
    const copy = new AttributeSet([...this.#list]);
    copy.#changed = this.#changed;
    return copy;
  }

  #hasSecond(key: string): boolean {
    return this.all(key).length > 1;
  }
}

/** Spares the vendor's text to be joined where the attribute is a standard one. */
function isKey(attribute: Attribute, key: string): boolean {
  if (attribute.vendor === undefined) return attribute.name === key;
  return key.endsWith(attribute.name) && attributeKey(attribute) === key;
}

function withIndex(attribute: Attribute, index: number): Attribute {
  const { index: _, ...bare } = attribute;
  return (index === 0 ? bare : { ...bare, index }) as Attribute;
}

import { type Attribute, attributeKey } from '../../codec/attribute.ts';
import {
  type AttributeFilter,
  type Comparison,
  comparedAttributes,
  type IndexEntry,
} from './attribute-filter.ts';
import { indexEntries } from './index-entries.ts';

/** Filters over opened objects. They decide what a search finds: the store only finds candidates. */

/** The entries of one attribute. */
interface AttributeEntries {
  readonly instances: Map<number, IndexEntry[]>;
  /** Instances by the values of their fields. */
  readonly fields: Map<string, Map<string | number, number[]>>;
}

/**
 * The index entries of one object, arranged so that the time for a condition does not grow with the instances
 * of an attribute: an object has up to a thousand, and a request compares many objects with many conditions.
 */
export class ArrangedEntries {
  readonly #attributes = new Map<string, AttributeEntries>();

  constructor(entries: readonly IndexEntry[]) {
    for (const entry of entries) {
      const { instances, fields } = getOrAdd(this.#attributes, entry.attribute, () => ({
        instances: new Map<number, IndexEntry[]>(),
        fields: new Map<string, Map<string | number, number[]>>(),
      }));
      getOrAdd(instances, entry.instance, (): IndexEntry[] => []).push(entry);
      const values = getOrAdd(fields, entry.field, () => new Map<string | number, number[]>());
      for (const value of [entry.text, entry.number])
        if (value !== null) getOrAdd(values, value, (): number[] => []).push(entry.instance);
    }
  }

  /** Whether one instance of the attribute satisfies every comparison. */
  hasInstance(attribute: string, comparisons: readonly Comparison[]): boolean {
    const own = this.#attributes.get(attribute);
    if (own === undefined) return false;
    const equal = comparisons
      .filter(({ op }) => op === '=')
      .map(({ field, value }) => own.fields.get(field)?.get(value) ?? []);
    const fewest = equal.toSorted((a, b) => a.length - b.length)[0] ?? [...own.instances.keys()];
    return fewest.some((instance) => {
      const entries = own.instances.get(instance) ?? [];
      return comparisons.every((comparison) =>
        entries.some((entry) => entry.field === comparison.field && meetsComparison(entry, comparison)),
      );
    });
  }
}

/**
 * Whether an object with these attributes matches a filter. `compared`: as `comparedAttributes(filter)`, for
 * callers that ask about many objects.
 */
export function matchesFilter(
  filter: AttributeFilter,
  attributes: readonly Attribute[],
  compared: ReadonlySet<string> = comparedAttributes(filter),
): boolean {
  const asked = attributes.filter((each) => compared.has(attributeKey(each)));
  return evaluateFilter(filter, new ArrangedEntries(indexEntries(asked)));
}

/** Evaluates a filter over the entries of one object. */
export function evaluateFilter(filter: AttributeFilter, entries: ArrangedEntries): boolean {
  if ('all' in filter) return filter.all.every((part) => evaluateFilter(part, entries));
  if ('any' in filter) return filter.any.some((part) => evaluateFilter(part, entries));
  if ('not' in filter) return !evaluateFilter(filter.not, entries);
  return entries.hasInstance(filter.attribute, filter.fields);
}

function meetsComparison({ text, number }: IndexEntry, { op, value }: Comparison): boolean {
  if (typeof value === 'string') return text === value;
  if (number === null) return false;
  switch (op) {
    case '=':
      return number === value;
    case '>=':
      return number >= value;
    case '<=':
      return number <= value;
    case 'bits':
      // Entries have masks as unsigned 32-bit numbers.
      return (number & value) >>> 0 === value >>> 0;
  }
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

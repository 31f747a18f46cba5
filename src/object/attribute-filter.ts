/**
 * Conditions on the attributes of an object, as Locate states them. `filter-evaluation.ts` evaluates them
 * over the index entries of an opened object, `store-filter.ts` translates them for the store.
 */

/**
 * One searchable value of an object. A structured attribute has one entry per field, all of one `instance`.
 */
export interface IndexEntry {
  /** Canonical attribute key: `CryptographicLength`, `Name`, or `x-Foo` for vendor `x`, name `Foo`. */
  readonly attribute: string;
  /** Field of a structured attribute (`NameValue`); empty for plain values. */
  readonly field: string;
  /** Number of the instance of a multi-valued attribute; the entries of one instance share it. */
  readonly instance: number;
  /** Text for exact comparison, of any length. */
  readonly text: string | null;
  /** Number for ranges and masks, a safe integer: seconds for dates, bits for masks. */
  readonly number: number | null;
}

/** Comparison with one field of one attribute instance. `bits`: every bit of `value` is set. */
export type Comparison =
  | { readonly field: string; readonly op: '='; readonly value: string | number }
  | { readonly field: string; readonly op: '>=' | '<=' | 'bits'; readonly value: number };

/** Condition on the index entries of an object. */
export type AttributeFilter =
  | { readonly all: readonly AttributeFilter[] }
  | { readonly any: readonly AttributeFilter[] }
  | { readonly not: AttributeFilter }
  | AttributeCondition;

/** One instance of the attribute satisfies every comparison; without comparisons: the attribute exists. */
export interface AttributeCondition {
  readonly attribute: string;
  readonly fields: readonly Comparison[];
}

/** Returns the keys of the attributes that a filter compares: no other decides whether an object matches. */
export function comparedAttributes(filter: AttributeFilter): ReadonlySet<string> {
  if ('attribute' in filter) return new Set([filter.attribute]);
  const parts = 'not' in filter ? [filter.not] : 'all' in filter ? filter.all : filter.any;
  return new Set(parts.flatMap((part) => [...comparedAttributes(part)]));
}

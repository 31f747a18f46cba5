import { type ColumnName, indexedColumns } from '../columns.ts';
import type { Filter, SoughtTerm } from '../store.ts';

/** Where a search can start: by what an index finds of the conditions that every result must meet. */

/** Values of a column, both ends included. */
export interface ColumnRange {
  readonly column: ColumnName;
  readonly from: number;
  readonly to: number;
}

/** What every result must have. */
export interface Starts {
  readonly ids: readonly string[];
  /** In the order of the filter, which names the rarest first. */
  readonly terms: readonly SoughtTerm[];
  /** At most one for each column with an index. */
  readonly ranges: readonly ColumnRange[];
}

/** Returns the starts of a filter: from its conditions outside `any` and `not`. */
export function startsOf(filter: Filter): Starts {
  const required = requiredConditions(filter);
  return {
    ids: required.flatMap((part) => ('id' in part ? [part.id] : [])),
    terms: [...new Map(required.flatMap(termsOf).map((term) => [String(term), term])).values()],
    ranges: indexedColumns.flatMap((column) => {
      const range = rangeOf(column, required);
      return range === undefined ? [] : [range];
    }),
  };
}

function termsOf(filter: Filter): readonly SoughtTerm[] {
  return 'terms' in filter ? filter.terms : [];
}

function requiredConditions(filter: Filter): readonly Filter[] {
  return 'all' in filter ? filter.all.flatMap(requiredConditions) : [filter];
}

function rangeOf(column: ColumnName, required: readonly Filter[]): ColumnRange | undefined {
  let [from, to] = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
  let isBounded = false;
  for (const part of required) {
    if (!('column' in part) || part.column !== column || part.op === 'bits') continue;
    isBounded = true;
    if (part.op !== '<=') from = Math.max(from, part.value);
    if (part.op !== '>=') to = Math.min(to, part.value);
  }
  return isBounded ? { column, from, to } : undefined;
}

/** Removes repeated conditions, of which a client may send any number. */
export function simplify(filter: Filter): Filter {
  if ('not' in filter) return { not: simplify(filter.not) };
  if ('all' in filter) return { all: distinct(filter.all.map(simplify)) };
  return 'any' in filter ? { any: distinct(filter.any.map(simplify)) } : filter;
}

function distinct(parts: readonly Filter[]): readonly Filter[] {
  return [...new Map(parts.map((part) => [JSON.stringify(part), part])).values()];
}

/** Number of conditions in a filter: each costs a look-up for each object that is examined. */
export function countConditions(filter: Filter): number {
  if ('not' in filter) return countConditions(filter.not);
  if ('terms' in filter) return filter.terms.flat().length;
  const parts = 'all' in filter ? filter.all : 'any' in filter ? filter.any : undefined;
  return parts?.reduce((sum, part) => sum + countConditions(part), 0) ?? 1;
}

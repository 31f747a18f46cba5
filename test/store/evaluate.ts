import type { Filter, StoredObject } from '../../src/store/store.ts';

/** Whether a new object satisfies a filter, as the port of the store states it. */
export function satisfies(object: StoredObject, filter: Filter): boolean {
  if ('all' in filter) return filter.all.every((part) => satisfies(object, part));
  if ('any' in filter) return filter.any.some((part) => satisfies(object, part));
  if ('not' in filter) return !satisfies(object, filter.not);
  if ('id' in filter) return object.id === filter.id;
  if ('present' in filter) return object.columns[filter.present] !== null;
  if ('terms' in filter) return hasTerms(object, filter.terms);
  const value = object.columns[filter.column];
  if (value === null) return false;
  switch (filter.op) {
    case '=':
      return value === filter.value;
    case '>=':
      return value >= filter.value;
    case '<=':
      return value <= filter.value;
    case 'bits':
      return (BigInt(value) & BigInt(filter.value)) === BigInt(filter.value);
  }
}

function hasTerms({ terms }: StoredObject, wanted: readonly number[]): boolean {
  const instances = new Set(terms.add.map(({ instance }) => instance));
  return [...instances].some((instance) =>
    wanted.every((each) => terms.add.some((row) => row.term === each && row.instance === instance)),
  );
}

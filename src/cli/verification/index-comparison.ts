import type { SnapshotName, SnapshotTerm } from '../../store/snapshot.ts';

/** The rows of the index that an object has, or must have. */
export interface ObjectIndex {
  readonly terms: readonly SnapshotTerm[];
  readonly names: readonly SnapshotName[];
}

/** What differs between the index and what an object must have in it. */
export type IndexDifference = 'terms are missing' | 'foreign terms' | 'foreign names';

/** Groups rows of the index by the number of their object. */
export function groupByObject(
  terms: readonly SnapshotTerm[],
  names: readonly SnapshotName[],
): (seq: number) => ObjectIndex {
  const termsOf = Map.groupBy(terms, ({ object }) => object);
  const namesOf = Map.groupBy(names, ({ object }) => object);
  return (seq) => ({ terms: termsOf.get(seq) ?? [], names: namesOf.get(seq) ?? [] });
}

/** Compares an object's rows of the index; a unique name may be missing, because the option may be off. */
export function compareIndex(expected: ObjectIndex, found: ObjectIndex): readonly IndexDifference[] {
  const [own, present] = [new Set(expected.terms.map(termText)), new Set(found.terms.map(termText))];
  const ownNames = new Set(expected.names.map(nameText));
  const differences: IndexDifference[] = [];
  if (!own.isSubsetOf(present)) differences.push('terms are missing');
  if (!present.isSubsetOf(own)) differences.push('foreign terms');
  if (!found.names.every((name) => ownNames.has(nameText(name)))) differences.push('foreign names');
  return differences;
}

function termText({ term, instance }: SnapshotTerm): string {
  return `${term} ${instance}`;
}

function nameText({ group, name }: SnapshotName): string {
  return `${name} ${group}`;
}

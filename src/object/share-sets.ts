import type { ManagedObject } from './managed-object.ts';
import type { ShareOrigin } from './share-origin.ts';

/** The set of parts that one Create Split Key has made. */
export interface ShareSet {
  /** Identifier of its first part. */
  readonly id: string;
  readonly origins: readonly ShareOrigin[];
}

/** Returns the set that all of these parts belong to; undefined when one is of another set or of none. */
export function findShareSet(parts: readonly ManagedObject[]): ShareSet | undefined {
  const id = parts[0]?.provenance.madeWith;
  if (id === undefined) return undefined;
  const origins = parts.flatMap(({ provenance: { madeWith, share } }) =>
    madeWith === id && share !== undefined ? [share] : [],
  );
  return origins.length === parts.length ? { id, origins } : undefined;
}

/**
 * Whether the parts are all of one Create Split Key of an earlier kmipd, which sealed that and nothing else.
 */
export function isEarlierSet(parts: readonly ManagedObject[]): boolean {
  const id = parts[0]?.provenance.madeWith;
  return (
    id !== undefined &&
    parts.every(({ provenance: { madeWith, share } }) => madeWith === id && share === undefined)
  );
}

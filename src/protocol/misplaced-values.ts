import { typesOfPublicValue } from '../object/object-boxes.ts';
import type { SealedObject, SealedRowList } from '../store/sealed-rows/sealed-row-list.ts';
import type { Vault } from '../vault/vault.ts';

/** How the values of a database are sealed, against how the vault seals new ones. */
export interface ValuePlaces {
  /** Values that a token opens, by the id of its root. */
  readonly direct: readonly { readonly root: string; readonly count: number }[];
  /** Secret values under the keyring alone. */
  readonly envelope: number;
  /** Those of both that `isValueMisplaced`. */
  readonly misplaced: number;
}

/**
 * Whether the value of an object is sealed otherwise than a new one would be: in the other mode, or in direct
 * mode under another root than the newest.
 */
export function isValueMisplaced(
  { objectType, hasValue, root }: Pick<SealedObject, 'objectType' | 'hasValue' | 'root'>,
  { direct }: Pick<Vault, 'direct'>,
): boolean {
  if (!hasValue) return false;
  if (direct.mode === 'envelope') return root !== null;
  return root === null ? !typesOfPublicValue.has(objectType) : root !== direct.root;
}

/** Counts the values of a database; reads the whole table. */
export async function countValues(
  sealedRows: Pick<SealedRowList, 'countValues'>,
  vault: Pick<Vault, 'direct'>,
): Promise<ValuePlaces> {
  const direct = new Map<string, number>();
  let [envelope, misplaced] = [0, 0];
  for (const { objectType, root, count } of await sealedRows.countValues()) {
    if (root !== null) direct.set(root, (direct.get(root) ?? 0) + count);
    else if (!typesOfPublicValue.has(objectType)) envelope += count;
    if (isValueMisplaced({ objectType, hasValue: true, root }, vault)) misplaced += count;
  }
  return { direct: [...direct].map(([root, count]) => ({ root, count })), envelope, misplaced };
}

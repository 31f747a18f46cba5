import type { UniqueIdentifier as Latest } from '../../../codec/enums.ts';
import { fail } from '../../common/errors.ts';
import type { OperationName } from '../../operations/context.ts';

/** Where identifiers stand in the answers, and what those of a kind are called in a reference. */
const answerFields = [
  { field: 'UniqueIdentifier', suffix: '' },
  { field: 'PrivateKeyUniqueIdentifier', suffix: 'PrivateKey' },
  { field: 'PublicKeyUniqueIdentifier', suffix: 'PublicKey' },
] as const;

/**
 * An earlier answer of the batch: by its place (0-based; negative counts back from here), or the latest of a
 * kind.
 */
export type Reference<Kind> = { readonly nth: number } | { readonly latest: Kind };

/**
 * The identifiers that the answers of one batch have carried so far: the ID Placeholder, and in 2.x the
 * references by number and by operation (KMIP 2.1 §4.61 and §11.58).
 */
export class BatchIdentifiers {
  #placeholder: string | undefined;
  readonly #issued: string[] = [];
  #latest = new Map<Latest, string[]>();

  set placeholder(id: string | undefined) {
    this.#placeholder = id;
  }

  /** Notes the identifiers of one successful item: the answers to all its repetitions. */
  record(operation: OperationName, answers: readonly Readonly<Record<string, unknown>>[]): void {
    const latest = new Map<Latest, string[]>([[operation as Latest, []]]);
    for (const answer of answers) {
      for (const { field, suffix } of answerFields) {
        const value = answer[field];
        for (const id of Array.isArray(value) ? value : [value]) {
          if (typeof id !== 'string') continue;
          this.#issued.push(id);
          for (const name of new Set([operation, `${operation}${suffix}`])) {
            const ids = latest.get(name as Latest);
            if (ids === undefined) latest.set(name as Latest, [id]);
            else ids.push(id);
          }
        }
      }
    }
    for (const [name, ids] of latest) this.#latest.set(name, ids);
  }

  /** The object a request means: its own identifier, or the ID Placeholder where it gives none. */
  resolve(identifier: string | undefined): string {
    return (
      identifier ??
      this.#placeholder ??
      fail('ObjectNotFound', 'no object is named and the ID Placeholder is empty')
    );
  }

  /** The objects a reference means, at least one: Locate and Create Key Pair answer with several. */
  referred(reference: Reference<Latest>): readonly string[] {
    const ids = this.#find(reference);
    if (ids.length === 0) fail('ObjectNotFound', 'the reference points at no earlier answer of the batch');
    return ids;
  }

  #find(reference: Reference<Latest>): readonly string[] {
    if ('nth' in reference) return listed(this.#issued.at(reference.nth));
    if (reference.latest === 'IDPlaceholder') return listed(this.#placeholder);
    return this.#latest.get(reference.latest) ?? [];
  }
}

function listed(id: string | undefined): readonly string[] {
  return id === undefined ? [] : [id];
}

import type { UniqueIdentifier as Latest } from '../../../codec/enums.ts';
import { fail } from '../../common/errors.ts';
import type { OperationName } from '../../operations/context.ts';

/**
 * The fields of answers that hold identifiers, and the suffix of the operation's name in a reference to them.
 */
const answerFields = [
  { field: 'UniqueIdentifier', suffix: '' },
  { field: 'PrivateKeyUniqueIdentifier', suffix: 'PrivateKey' },
  { field: 'PublicKeyUniqueIdentifier', suffix: 'PublicKey' },
] as const;

/**
 * An earlier answer of the batch: by its number (0-based; negative counts back from here), or the latest of a
 * kind.
 */
export type Reference<Kind> = { readonly nth: number } | { readonly latest: Kind };

/**
 * The identifiers in the answers of one batch so far: the ID Placeholder, and in 2.x the references by number
 * and by operation (KMIP 2.1 §4.61 and §11.58).
 */
export class BatchIdentifiers {
  #placeholder: string | undefined;
  readonly #issued: string[] = [];
  #latest = new Map<Latest, string[]>();

  get placeholder(): string | undefined {
    return this.#placeholder;
  }

  /** The ID Placeholder; undefined empties it. */
  set placeholder(id: string | undefined) {
    this.#placeholder = id;
  }

  /** Records the identifiers of one successful item; `answers` are those to all of its repetitions. */
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

  /**
   * Returns the identifier of a request, or the ID Placeholder where the request has none.
   * @throws {KmipError} ObjectNotFound when the ID Placeholder is empty.
   */
  resolve(identifier: string | undefined): string {
    return (
      identifier ??
      this.#placeholder ??
      fail('ObjectNotFound', 'no object is named and the ID Placeholder is empty')
    );
  }

  /**
   * Returns the identifiers that a reference stands for; several where Locate or Create Key Pair has
   * answered.
   * @throws {KmipError} ObjectNotFound when there is none.
   */
  resolveReference(reference: Reference<Latest>): readonly string[] {
    const ids = this.#find(reference);
    if (ids.length === 0) fail('ObjectNotFound', 'the reference points at no earlier answer of the batch');
    return ids;
  }

  #find(reference: Reference<Latest>): readonly string[] {
    if ('nth' in reference) return asList(this.#issued.at(reference.nth));
    if (reference.latest === 'IDPlaceholder') return asList(this.#placeholder);
    return this.#latest.get(reference.latest) ?? [];
  }
}

function asList(id: string | undefined): readonly string[] {
  return id === undefined ? [] : [id];
}

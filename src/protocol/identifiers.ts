import type { UniqueIdentifier as Latest } from '../../codec/enums.ts';
import type { Identifier } from '../../codec/structures/identifier.ts';
import { fail } from '../errors.ts';
import type { OperationName } from '../operations/operation.ts';

/** Where identifiers stand in the answers, and what the latest one of a kind is called in a reference. */
const answerFields = [
  { field: 'UniqueIdentifier', suffix: '' },
  { field: 'PrivateKeyUniqueIdentifier', suffix: 'PrivateKey' },
  { field: 'PublicKeyUniqueIdentifier', suffix: 'PublicKey' },
] as const;

/**
 * The identifiers that the answers of one batch have carried so far: the ID Placeholder, and in 2.x the references by
 * number and by operation (KMIP 2.1 §2, "Unique Identifier").
 */
export class BatchIdentifiers {
  #placeholder: string | undefined;
  readonly #issued: string[] = [];
  readonly #latest = new Map<Latest, string>();

  set placeholder(id: string | undefined) {
    this.#placeholder = id;
  }

  /** Notes the identifiers of one successful answer. */
  record(operation: OperationName, answer: Readonly<Record<string, unknown>>): void {
    for (const { field, suffix } of answerFields) {
      const value = answer[field];
      for (const id of Array.isArray(value) ? value : [value]) {
        if (typeof id !== 'string') continue;
        this.#issued.push(id);
        this.#latest.set(`${operation}${suffix}` as Latest, id);
        if (suffix !== 'PublicKey') this.#latest.set(operation as Latest, id);
      }
    }
  }

  /** The object a request means: its own identifier, a reference to an earlier answer, or the ID Placeholder. */
  resolve(identifier: Identifier | undefined): string {
    const id = this.#find(identifier);
    if (id === undefined) fail('ObjectNotFound', 'no object is named and the ID Placeholder is empty');
    return id;
  }

  #find(identifier: Identifier | undefined): string | undefined {
    if (identifier === undefined) return this.#placeholder;
    if (typeof identifier === 'string') return identifier;
    if ('nth' in identifier) return this.#issued.at(identifier.nth);
    return identifier.latest === 'IDPlaceholder' ? this.#placeholder : this.#latest.get(identifier.latest);
  }
}

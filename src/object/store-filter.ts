import type { ColumnName } from '../store/columns.ts';
import type { Filter, SoughtTerm } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import type { AttributeCondition, AttributeFilter, Comparison } from './attribute-filter.ts';
import { comparableField, comparableText } from './names.ts';
import { hasColumn, hasPresence, hasTerm, presence, secretLengthTypes } from './search-index.ts';

/** A filter of the store, and whether it finds no more objects than what it stands for. */
export interface StoreFilter {
  readonly filter: Filter;
  readonly isExact: boolean;
}

const always: Filter = { all: [] };
const never: Filter = { any: [] };

/**
 * Translates a filter for the store. The result is satisfied by every object that satisfies `filter`, and by
 * more where the index of the store does not express a condition: such a condition counts as met, inside
 * `not` as failed. So does one on the length of objects that may be passwords.
 *
 * @throws {VaultUnavailableError} when the vault is sealed.
 */
export function toStoreFilter(filter: AttributeFilter, vault: Vault, group: string): StoreFilter {
  const { indexes } = vault;
  const termOf: TermOf = (...field) => {
    const [term, ...others] = indexes.map((index) => index.term(group, ...field));
    return term !== undefined && others.length === 0 ? term : [term ?? 0, ...others];
  };
  return translate(filter, { isNegated: false, isLengthKnown: excludesSecretLengths(filter), termOf });
}

/** Returns the term of a value, or those that it has in several indexes. */
type TermOf = (attribute: string, field: string, value: string | number) => SoughtTerm;

interface Translation {
  readonly isNegated: boolean;
  /** Whether every object that is found has its length in the column. */
  readonly isLengthKnown: boolean;
  readonly termOf: TermOf;
}

function translate(filter: AttributeFilter, translation: Translation): StoreFilter {
  const { isNegated, isLengthKnown, termOf } = translation;
  const inside = (parts: readonly AttributeFilter[]) => parts.map((part) => translate(part, translation));
  if ('all' in filter) return combine(inside(filter.all), (all) => ({ all }));
  if ('any' in filter) return combine(inside(filter.any), (any) => ({ any }));
  if ('not' in filter) {
    const { filter: not, isExact } = translate(filter.not, { ...translation, isNegated: !isNegated });
    return { filter: { not }, isExact };
  }
  const { attribute, fields } = filter;
  if (attribute === 'CryptographicLength' && !isLengthKnown) return lengthFilter(fields, isNegated);
  if (hasColumn(attribute)) return exactly(columnFilter(attribute, fields));
  if (attribute === 'UniqueIdentifier' && fields.length > 0)
    return exactly(all(fields.map(identifierFilter)));
  return termsFilter(filter, isNegated, termOf);
}

function combine(parts: readonly StoreFilter[], join: (filters: readonly Filter[]) => Filter): StoreFilter {
  return {
    filter: join(parts.map(({ filter }) => filter)),
    isExact: parts.every(({ isExact }) => isExact),
  };
}

function exactly(filter: Filter): StoreFilter {
  return { filter, isExact: true };
}

function all(parts: readonly Filter[]): Filter {
  return parts.length === 1 ? (parts[0] as Filter) : { all: parts };
}

/** Whether a filter is satisfied only by objects of one type, which has its length in the column. */
function excludesSecretLengths(filter: AttributeFilter): boolean {
  if ('all' in filter) return filter.all.some(excludesSecretLengths);
  if (!('attribute' in filter) || filter.attribute !== 'ObjectType') return false;
  return filter.fields.some(({ op, value }) => op === '=' && !secretLengthTypes.includes(Number(value)));
}

function lengthFilter(fields: readonly Comparison[], isNegated: boolean): StoreFilter {
  const compared = columnFilter('CryptographicLength', fields);
  const types = secretLengthTypes.map((value): Filter => ({ column: 'ObjectType', op: '=', value }));
  return { filter: isNegated ? compared : { any: [compared, ...types] }, isExact: false };
}

/** The attribute occurs once, so that every comparison is with the same instance. */
function columnFilter(column: ColumnName, fields: readonly Comparison[]): Filter {
  if (fields.length === 0) return { present: column };
  return all(
    fields.map(({ field, op, value }): Filter => {
      return field === '' && typeof value === 'number' ? { column, op, value } : never;
    }),
  );
}

function identifierFilter({ field, op, value }: Comparison): Filter {
  return field === '' && op === '=' && typeof value === 'string' ? { id: value } : never;
}

function termsFilter(
  { attribute, fields }: AttributeCondition,
  isNegated: boolean,
  termOf: TermOf,
): StoreFilter {
  // Fewer objects share a text than a number, and the store may start with the first.
  const rank = ({ value }: Comparison) => (typeof value === 'string' ? 0 : 1);
  const terms = fields
    .map((comparison) => (isNameText(attribute, comparison) ? comparableName(comparison) : comparison))
    .filter(({ field, op, value }) => op === '=' && hasTerm(attribute, field, value))
    .toSorted((a, b) => rank(a) - rank(b))
    .map(({ field, value }): SoughtTerm => termOf(attribute, field, value));
  if (fields.length === 0 && hasPresence(attribute))
    terms.push(termOf(attribute, presence.field, presence.value));
  const isExact =
    terms.length > 0 &&
    terms.length >= fields.length &&
    !fields.some((comparison) => isNameText(attribute, comparison));
  if (!isExact && (isNegated || terms.length === 0)) return { filter: isNegated ? never : always, isExact };
  return { filter: { terms: [...new Map(terms.map((term) => [String(term), term])).values()] }, isExact };
}

/** What every Name with this text has, and others that look like it. */
function comparableName({ value }: NameTextComparison): Comparison {
  return { field: comparableField, op: '=', value: comparableText(value) };
}

type NameTextComparison = Comparison & { readonly value: string };

function isNameText(attribute: string, comparison: Comparison): comparison is NameTextComparison {
  const { field, value } = comparison;
  return attribute === 'Name' && field === 'NameValue' && typeof value === 'string';
}

import type { Attribute } from '../../codec/attribute.ts';
import type { Name } from '../../codec/structures/attribute-values.ts';
import { removeUnprintable } from '../../codec/unprintable.ts';
import { fail, KmipError, type Reason } from '../common/errors.ts';
import type { RowIndex } from '../vault/vault.ts';
import type { AttributeFilter } from './attribute-filter.ts';
import type { AttributeSet } from './attribute-set.ts';

/**
 * Refuses the same Name twice on one object. Names compare by their text. `own`: the instance that is
 * replaced; `legacyReason`: the reason for 1.x when it is not Illegal Operation. The store compares with the
 * Names of other objects, see `uniqueNameTexts`.
 *
 * @throws {KmipError} NonUniqueNameAttribute.
 */
export function requireNewName(
  attributes: AttributeSet,
  attribute: Attribute,
  { own, legacyReason }: { own?: Attribute | undefined; legacyReason?: Reason } = {},
): void {
  if (attribute.name !== 'Name' || attribute.vendor !== undefined) return;
  const { NameValue } = attribute.value;
  const taken = attributes
    .all('Name')
    .some((other) => other !== own && (other.value as Name).NameValue === NameValue);
  if (taken) fail('NonUniqueNameAttribute', 'the object has this Name already', legacyReason);
}

/**
 * The Names and Alternative Names of an object, each with its type as text that can be compared: clients find
 * objects by both.
 */
export function namesOf(attributes: AttributeSet): ReadonlySet<string> {
  const names = [...attributes.all('Name'), ...attributes.all('AlternativeName')];
  return new Set(names.map(({ name, value }) => JSON.stringify([name, value])));
}

/** The refusal of a Name that another object has, or that is reserved to another client. */
export function nameTaken(legacyReason: Reason = 'InvalidField'): KmipError {
  return new KmipError(
    'NonUniqueNameAttribute',
    'the Name belongs to another object or client',
    legacyReason,
  );
}

/** The texts of the Names of an object, as `comparableText`. */
export function nameTexts(attributes: AttributeSet): ReadonlySet<string> {
  return new Set(attributes.values('Name').map(({ NameValue }) => comparableText(NameValue)));
}

/**
 * Returns one text for Names that look alike: in the form NFKC (Unicode Standard Annex 15), without
 * characters that show nothing or only format, and with one space for white space inside. Case and letters of
 * other scripts distinguish.
 */
export function comparableText(text: string): string {
  const visible = removeUnprintable(text.replace(/\p{White_Space}/gu, ' '));
  return visible.normalize('NFKC').replace(/ +/g, ' ').trim();
}

/** Field of the index entry that every Name has, so that one condition finds the Names that look alike. */
export const comparableField = 'ComparableText';

/**
 * Finds the objects of a group, archived ones too, that have a Name like this one, whatever its type. A
 * destroyed object has given its Names up.
 */
export function nameFilter(text: string): AttributeFilter {
  const value = comparableText(text);
  return {
    all: [
      { attribute: 'Name', fields: [{ field: comparableField, op: '=', value }] },
      { not: { attribute: 'DestroyDate', fields: [] } },
    ],
  };
}

/**
 * The texts that the store keeps unique in a group when `uniqueNames` is configured: one for each Name. A
 * destroyed object has none, so its Names can be used again.
 */
export function uniqueNameTexts(attributes: AttributeSet): ReadonlySet<string> {
  return attributes.has('DestroyDate') ? new Set() : nameTexts(attributes);
}

/** Returns the key that the store keeps unique for such a text. */
export function uniqueNameKey(index: RowIndex, group: string, text: string): string {
  return index.key('name', group, text);
}

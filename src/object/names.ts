import type { Attribute } from '../../codec/attribute.ts';
import type { Name } from '../../codec/structures/attribute-values.ts';
import { fail, type Reason } from '../common/errors.ts';
import type { AttributeSet } from './attribute-set.ts';

/**
 * Refuses the same Name twice on one object. Names compare by their text. `own`: the instance that is
 * replaced; `legacyReason`: the reason for 1.x when it is not Illegal Operation. The store compares with the
 * Names of other objects, see `uniqueNameKeys`.
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

/** The texts of the Names of an object. */
export function nameTexts(attributes: AttributeSet): ReadonlySet<string> {
  return new Set(attributes.values('Name').map(({ NameValue }) => NameValue));
}

/**
 * Keys that the store keeps unique in a group when `uniqueNames` is configured: one for each Name. A
 * destroyed object has none, so its Names can be used again.
 */
export function uniqueNameKeys(attributes: AttributeSet): readonly string[] {
  if (attributes.has('DestroyDate')) return [];
  return attributes.values('Name').map(({ NameValue }) => `Name:${NameValue}`);
}

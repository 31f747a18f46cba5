import type { Attribute } from '../../codec/attribute.ts';
import type { Name } from '../../codec/structures/attribute-values.ts';
import { fail, type Reason } from '../common/errors.ts';
import type { AttributeSet } from './attribute-set.ts';
import type { ManagedObject } from './managed-object.ts';

/** Names compare by their text, exactly; their type only says how to read it. */
function hasName(attributes: AttributeSet, { NameValue }: Name): boolean {
  return attributes.values('Name').some((name) => name.NameValue === NameValue);
}

/**
 * Refuses the same Name twice on one object. `own`: the instance that is being replaced; `classic`: the reason for 1.x
 * where it is not Illegal Operation. Names of other objects are the store's business, through `uniqueNameKeys`.
 */
export function requireNewName(
  attributes: AttributeSet,
  attribute: Attribute,
  { own, classic }: { own?: Attribute | undefined; classic?: Reason } = {},
): void {
  if (attribute.name !== 'Name' || attribute.vendor !== undefined) return;
  const { NameValue } = attribute.value;
  const taken = attributes
    .all('Name')
    .some((other) => other !== own && (other.value as Name).NameValue === NameValue);
  if (taken) fail('NonUniqueNameAttribute', 'the object has this Name already', classic);
}

/** What no second object of the group may hold when Names are to be unique. A destroyed object gives its Names free. */
export function uniqueNameKeys(object: ManagedObject): readonly string[] {
  if (object.destroyed) return [];
  return object.attributes.values('Name').map(({ NameValue }) => `Name:${NameValue}`);
}

/** Re-key and Re-certify: every Name leaves the old object for its replacement, before those the new one has already. */
export function moveNames(from: ManagedObject, to: ManagedObject, now: number): void {
  const moved = from.attributes.remove('Name');
  if (moved.length === 0) return;
  const later = to.attributes.remove('Name');
  for (const name of [...moved, ...later]) {
    if (!hasName(to.attributes, name.value as Name)) to.attributes.add(name);
  }
  from.touch(now);
}

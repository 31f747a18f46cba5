import { type Attribute, attributeKey } from '../../codec/attribute.ts';
import type { AttributeName } from '../../codec/attribute-table.ts';
import type { Protection } from '../common/protection.ts';
import type { ManagedObject } from './managed-object.ts';
import { hasProtectedValue } from './protection.ts';

/**
 * Attributes that are a function of the value. Under `strict` protection clients neither read them of an
 * object whose value may not leave in the clear, nor find such objects by them: the Digest of a key that is
 * longer than a block is its key for HMAC-SHA-256 (RFC 2104 §3), and that of a password confirms a guess.
 * Cryptographic Length and the like are no function of it: they tell the size that the client has asked for.
 */
const functionsOfValue: readonly string[] = ['Digest'] satisfies AttributeName[];

/** Whether an attribute is a function of the value of its object. */
export function isFunctionOfValue(attribute: Attribute): boolean {
  return functionsOfValue.includes(attributeKey(attribute));
}

/** All attributes of an object that clients may read at `now` (POSIX seconds). */
export function shownAttributes(
  object: ManagedObject,
  now: number,
  protection: Protection,
): readonly Attribute[] {
  const all = object.attributesAt(now);
  if (protection === 'kmip' || !hasProtectedValue(object)) return all;
  return all.filter((attribute) => !isFunctionOfValue(attribute));
}

import { attributeKey } from '../../codec/attribute.ts';
import type { AttributeName } from '../../codec/attribute-table.ts';
import type { Link } from '../../codec/structures/attribute-values.ts';
import { objectColumns } from '../store/columns.ts';
import type { ManagedObject } from './managed-object.ts';

/**
 * What is left of a destroyed object that was purged: identity, kind, state and dates, what binds copies and
 * shares of the key, and the references between objects. It says what the object was, and nothing that a
 * client has written about it: no name, text, custom attribute, subject or digest.
 */
const kept: ReadonlySet<string> = new Set<AttributeName>([
  'UniqueIdentifier',
  ...(Object.keys(objectColumns) as (keyof typeof objectColumns)[]),
  'AlwaysSensitive',
  'NeverExtractable',
  'ProtectionLevel',
  'ProtectionStorageMask',
  'KeyFormatType',
  'KeyValuePresent',
  'Link',
  'RevocationReason',
  'UsageLimits',
]);

/**
 * Removes from a destroyed object what `kept` does not name, the text of a Revocation Reason, and Links to
 * what is no object, which can be any text. Returns whether there was something; the caller records the
 * change.
 *
 * @param isObject whether an object has that identifier
 * @throws {TypeError} when the object is not destroyed
 */
export function purge(
  { id, destroyed, attributes }: ManagedObject,
  isObject: (id: string) => boolean,
): boolean {
  if (!destroyed) throw new TypeError(`object ${id} is not destroyed`);
  for (const { value, index = 0 } of attributes.all('Link'))
    if (!isObject((value as Link).LinkedObjectIdentifier)) attributes.remove('Link', index);
  const reason = attributes.get('RevocationReason');
  if (reason?.RevocationMessage !== undefined)
    attributes.set('RevocationReason', { RevocationReasonCode: reason.RevocationReasonCode });
  for (const key of new Set(attributes.list().map(attributeKey))) if (!kept.has(key)) attributes.remove(key);
  return attributes.changed;
}

import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import { fail } from '../errors.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import type { Context } from './operation.ts';

/** Shared by the operations that make something out of objects which their request names. */

/**
 * The objects in their order, each once: existence, type, archived or destroyed are checked as for the object of a stance.
 * Fails with InvalidMessage for none at all.
 */
export async function namedObjects(
  ids: readonly string[],
  types: readonly ObjectTypeName[],
  { work, limits }: Context,
): Promise<ManagedObject[]> {
  if (ids.length === 0) fail('InvalidMessage', 'Unique Identifier is missing');
  if (ids.length > limits.batchItems)
    fail('ServerLimitExceeded', 'too many objects are named', 'InvalidField');
  const objects: ManagedObject[] = [];
  for (const id of new Set(ids)) {
    const object = await work.load(id);
    if (object === undefined) fail('ObjectNotFound', 'there is no such object');
    if (!types.includes(object.type))
      fail('InvalidObjectType', `a ${object.type} is not an object for this operation`, 'InvalidField');
    if (object.archived) fail('ObjectArchived', 'the object is archived: recover it first');
    if (object.destroyed) fail('ObjectDestroyed', 'the object has been destroyed');
    objects.push(object);
  }
  return objects;
}

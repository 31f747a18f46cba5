import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import { fail, type Reason } from '../common/errors.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import type { Context } from './context.ts';

/** Loading of objects that a request names, beside its target or as the material for a new object. */

/** Conditions for an object, as in ObjectTarget. */
export interface ObjectRequirements {
  readonly types?: readonly ObjectTypeName[];
  /** Reason when there is no such object; ObjectNotFound when left out. */
  readonly missing?: Reason;
  /** Reason that 1.x clients get for another type, where the general table says otherwise. */
  readonly legacyReason?: Reason;
  /** Accepts archived objects too. */
  readonly archived?: boolean;
  /** Accepts destroyed objects too. */
  readonly destroyed?: boolean;
}

/**
 * Loads an object and checks in this order: existence, type, archived, destroyed. Objects that do not exist
 * and objects that the principal may not see get the same answer.
 * @throws {KmipError} the `missing` reason, InvalidObjectType, ObjectArchived or ObjectDestroyed
 */
export async function loadNamedObject(
  id: string,
  requirements: ObjectRequirements,
  { work }: { readonly work: Pick<Context['work'], 'load'> },
): Promise<ManagedObject> {
  const object = await work.load(id);
  if (object === undefined) fail(requirements.missing ?? 'ObjectNotFound', 'there is no such object');
  if (requirements.types !== undefined && !requirements.types.includes(object.type))
    fail(
      'InvalidObjectType',
      `a ${object.type} is not an object for this operation`,
      requirements.legacyReason,
    );
  requirePresent(object, requirements);
  return object;
}

/**
 * Refuses an archived or destroyed object, unless accepted.
 * @throws {KmipError} ObjectArchived or ObjectDestroyed
 */
export function requirePresent(
  object: ManagedObject,
  { archived, destroyed }: Pick<ObjectRequirements, 'archived' | 'destroyed'> = {},
): void {
  if (object.archived && !archived) fail('ObjectArchived', 'the object is archived: recover it first');
  if (object.destroyed && !destroyed) fail('ObjectDestroyed', 'the object has been destroyed');
}

/**
 * Loads several objects in their order, each once.
 * @throws {KmipError} InvalidMessage for an empty list, ServerLimitExceeded for a long one, or as
 *   `loadNamedObject` does
 */
export async function loadNamedObjects(
  ids: readonly string[],
  types: readonly ObjectTypeName[],
  context: Context,
): Promise<ManagedObject[]> {
  if (ids.length === 0) fail('InvalidMessage', 'Unique Identifier is missing');
  if (ids.length > context.limits.batchItems)
    fail('ServerLimitExceeded', 'too many objects are named', 'InvalidField');
  const objects: ManagedObject[] = [];
  for (const id of new Set(ids))
    objects.push(await loadNamedObject(id, { types, legacyReason: 'InvalidField' }, context));
  return objects;
}

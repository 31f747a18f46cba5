import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import { fail, type Reason } from '../common/errors.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import type { Context } from './context.ts';

/** Objects that a request names: the one of its stance, and those that something is made out of. */

/** What an object has to be; stances say the same. */
export interface ObjectRequirements {
  readonly types?: readonly ObjectTypeName[];
  /** Reason for one that is not there; ObjectNotFound when left out. */
  readonly missing?: Reason;
  /** Reason for another type in 1.x, where the general table says otherwise. */
  readonly legacyReason?: Reason;
  readonly archived?: boolean;
  readonly destroyed?: boolean;
}

/**
 * The object, in the fixed order of checks: existence, type, archived, destroyed. One answer for what is not there and
 * what may not be seen.
 */
export async function loadNamedObject(
  id: string,
  requirements: ObjectRequirements,
  { work }: Pick<Context, 'work'>,
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

/** Fails with ObjectArchived or ObjectDestroyed. */
export function requirePresent(
  object: ManagedObject,
  { archived, destroyed }: Pick<ObjectRequirements, 'archived' | 'destroyed'> = {},
): void {
  if (object.archived && !archived) fail('ObjectArchived', 'the object is archived: recover it first');
  if (object.destroyed && !destroyed) fail('ObjectDestroyed', 'the object has been destroyed');
}

/** Several in their order, each once. Fails with InvalidMessage for none at all. */
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

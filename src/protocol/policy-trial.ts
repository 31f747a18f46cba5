import type { AuditedObject, AuditItem } from '../audit/audit.ts';
import { isApprovable } from '../common/client-approvals.ts';
import { meetsAlgorithmRule, type RoleRestrictions } from '../common/role-restrictions.ts';
import { alwaysGranted, type RoleDescription } from '../identity/policy.ts';
import { typesOfPublicValue } from '../object/object-boxes.ts';
import { disclosingOperations } from '../operations/asynchronous/held-objects.ts';
import { valueOperations } from '../operations/value-operations.ts';

/**
 * What roles would have made of a batch item that is in the audit log. Permissions beside the operations, and
 * the format of a value whose client has asked for none, are not in the log.
 */

/** What is looked at of an item; `isApproved`: an administrator has approved it. */
type TriedItem = Pick<AuditItem, 'operation' | 'objects' | 'format' | 'wrapped'> & {
  readonly isApproved?: boolean;
};

/** Returns where the restriction or the list stands that would have refused an item; undefined when none. */
export function findTrialRefusal(
  item: TriedItem,
  roleName: string,
  roles: ReadonlyMap<string, RoleDescription>,
): string | undefined {
  const { operation } = item;
  if (alwaysGranted.has(operation)) return undefined;
  const role = roles.get(roleName);
  if (role === undefined) return `the role ${roleName} is not defined`;
  if (!role.permissions.has(operation)) return role.list;
  if (needsApproval(item, role)) return 'approval.operations';
  const { restrictions } = role;
  if (restrictions === undefined) return undefined;
  const { objects = [] } = item;
  const used = usedObjects(operation, objects);
  for (const object of objects) {
    const by =
      findUnmet(object, restrictions) ??
      (used.has(object) ? findUnmetState(object, restrictions) : undefined);
    if (by !== undefined) return restrictions.rules[by];
  }
  if (!disclosingOperations.has(operation)) return undefined;
  if (restrictions.isWrappingRequired && item.wrapped === false) return restrictions.rules.wrapping;
  const { formats } = restrictions;
  if (formats !== undefined && item.format !== undefined && !formats.has(item.format))
    return restrictions.rules.formats;
  return undefined;
}

/** Whether the item was done without the approval that its client would need. */
function needsApproval(
  { operation, objects = [], wrapped, isApproved = false }: TriedItem,
  { approvals }: RoleDescription,
): boolean {
  if (isApproved || !isApprovable(operation) || !approvals.has(operation)) return false;
  if (!disclosingOperations.has(operation)) return true;
  const isPublic = objects.every(({ type = '' }) => typesOfPublicValue.has(type));
  return wrapped === false && !isPublic;
}

/** The objects whose values an item has used or given out: those that it has made stand last in the log. */
function usedObjects(operation: string, objects: readonly AuditedObject[]): ReadonlySet<AuditedObject> {
  if (!valueOperations.has(operation)) return new Set();
  // Whether the key of the parts was there before is not in the log.
  if (operation === 'CreateSplitKey') return new Set();
  return new Set(operation === 'DeriveKey' || operation === 'JoinSplitKey' ? objects.slice(0, -1) : objects);
}

function findUnmet(
  { type, algorithm, length: bits }: AuditedObject,
  { objectTypes, algorithms }: RoleRestrictions,
): 'objectTypes' | 'algorithms' | undefined {
  // Of an object without a type the log has the identifier alone: it did not exist for the client.
  if (type === undefined) return undefined;
  if (objectTypes !== undefined && !objectTypes.has(type)) return 'objectTypes';
  if (algorithms !== undefined && !algorithms.some((rule) => meetsAlgorithmRule(rule, { algorithm, bits })))
    return 'algorithms';
  return undefined;
}

const findUnmetState = ({ state }: AuditedObject, { states }: RoleRestrictions) =>
  state !== undefined && states?.has(state) === false ? 'states' : undefined;

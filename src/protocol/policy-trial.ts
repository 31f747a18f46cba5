import type { AuditedObject, AuditItem } from '../audit/audit.ts';
import { meetsAlgorithmRule, type RoleRestrictions } from '../common/role-restrictions.ts';
import { alwaysGranted, type RoleDescription } from '../identity/policy.ts';
import { disclosingOperations } from '../operations/asynchronous/held-objects.ts';

/**
 * What roles would have made of a batch item that is in the audit log. Permissions beside the operations, and
 * the format of a value whose client has asked for none, are not in the log.
 */

/** Returns where the restriction or the list stands that would have refused an item; undefined when none. */
export function findTrialRefusal(
  item: Pick<AuditItem, 'operation' | 'objects' | 'format' | 'wrapped'>,
  roleName: string,
  roles: ReadonlyMap<string, RoleDescription>,
): string | undefined {
  const { operation } = item;
  if (alwaysGranted.has(operation)) return undefined;
  const role = roles.get(roleName);
  if (role === undefined) return `the role ${roleName} is not defined`;
  if (!role.permissions.has(operation)) return role.list;
  const { restrictions } = role;
  if (restrictions === undefined) return undefined;
  for (const object of item.objects ?? []) {
    const by = findUnmet(object, operation, restrictions);
    if (by !== undefined) return restrictions.rules[by];
  }
  if (!disclosingOperations.has(operation)) return undefined;
  if (restrictions.isWrappingRequired && item.wrapped === false) return restrictions.rules.wrapping;
  const { formats } = restrictions;
  if (formats !== undefined && item.format !== undefined && !formats.has(item.format))
    return restrictions.rules.formats;
  return undefined;
}

function findUnmet(
  { type, algorithm, length: bits, state }: AuditedObject,
  operation: string,
  { objectTypes, algorithms, states }: RoleRestrictions,
): 'objectTypes' | 'algorithms' | 'states' | undefined {
  // Of an object without a type the log has the identifier alone: it did not exist for the client.
  if (type === undefined) return undefined;
  if (objectTypes !== undefined && !objectTypes.has(type)) return 'objectTypes';
  if (algorithms !== undefined && !algorithms.some((rule) => meetsAlgorithmRule(rule, { algorithm, bits })))
    return 'algorithms';
  const isUse = valueOperations.has(operation);
  return isUse && states !== undefined && state !== undefined && !states.has(state) ? 'states' : undefined;
}

/** Operations that use or give out the value of an object that exists. */
const valueOperations: ReadonlySet<string> = new Set([
  ...disclosingOperations,
  ...['Encrypt', 'Decrypt', 'Sign', 'SignatureVerify', 'MAC', 'MACVerify', 'DeriveKey'],
]);

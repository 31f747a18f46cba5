import { type CustomRoles, findRoleProblems, RolePolicy } from '../../src/identity/policy.ts';
import type { Principal } from '../../src/identity/principal.ts';
import type { RoleTable } from '../../src/identity/role-table.ts';

/** Principals of roles that the configuration restricts. */

/** Every operation and the permissions that `full` leaves out. */
export const everything = ['full', 'ImportAsIs', 'UseProtectedPassword', 'ForeignNames', 'GroupPolicy'];

/** Returns what a principal of the role has, with every operation unless the table names others. */
export function underRole(table: Partial<RoleTable>): Pick<Principal, 'may' | 'restrictions' | 'role'> {
  return inPolicy({ tried: { operations: everything, ...table } }, 'tried');
}

/** Returns what a principal with that role of a configuration has. */
export function inPolicy(
  roles: CustomRoles,
  role: string,
): Required<Pick<Principal, 'may' | 'restrictions' | 'role'>> {
  const problems = Object.entries(roles).flatMap(([name, table]) => findRoleProblems(name, table));
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const policy = new RolePolicy(roles);
  return {
    role,
    may: (operation) => policy.permits(role, operation),
    restrictions: () => policy.restrictions(role),
  };
}

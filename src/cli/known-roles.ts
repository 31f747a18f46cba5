import { didYouMean } from '../common/suggest.ts';
import type { RoleDescription } from '../identity/policy.ts';
import { UsageError } from './failure.ts';

/**
 * Returns the role of that name.
 * @throws {UsageError} when there is none
 */
export function requireRole(roles: readonly RoleDescription[], name: string): RoleDescription {
  const role = roles.find((each) => each.name === name);
  if (role !== undefined) return role;
  const names = roles.map((each) => each.name);
  throw new UsageError(
    `there is no role "${name}"${didYouMean(name, names) || `; choose from ${names.join(', ')}`}`,
  );
}

import { type CustomRoles, roleProblem } from '../identity/policy.ts';
import { isTable } from './values.ts';

/** Reads the section `[roles]` of the configuration, and adds what is wrong to `problems`. */
export function readRoles(value: unknown, problems: string[]): CustomRoles {
  if (value === undefined) return {};
  if (!isTable(value)) {
    problems.push('"roles" must be a table: a line [roles], below it NAME = ["Get", "Locate"]');
    return {};
  }
  const roles: Record<string, readonly string[]> = {};
  for (const [name, entries] of Object.entries(value)) {
    if (!Array.isArray(entries) || !entries.every((entry) => typeof entry === 'string')) {
      problems.push(`"roles.${name}" must be a list of operations, such as ["Get", "Locate"]`);
      continue;
    }
    const problem = roleProblem(name, entries);
    if (problem === undefined) roles[name] = entries;
    else problems.push(`"roles.${name}": ${problem}`);
  }
  return roles;
}

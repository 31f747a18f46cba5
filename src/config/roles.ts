import { restrictionNames } from '../common/role-restrictions.ts';
import { didYouMean } from '../common/suggest.ts';
import { type CustomRoles, findRoleProblems } from '../identity/policy.ts';
import { type CustomRole, placeOf, type RoleTable } from '../identity/role-table.ts';
import { ConfigValueError, isTable, readText, readTexts, type ValueReader } from './values.ts';

/** The section `[roles]` of the configuration: lists of operations, and tables. */

/** Reads a list of texts, which may be empty. */
const readEntries: ValueReader<readonly string[]> = (value) => {
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string'))
    throw new ConfigValueError('must be a list of operations, such as ["Get", "Locate"]');
  return value;
};

const readers: { readonly [K in keyof RoleTable]-?: ValueReader<Required<RoleTable>[K]> } = {
  operations: readEntries,
  objectTypes: readTexts,
  algorithms: readTexts,
  formats: readTexts,
  wrapping: readText,
  states: readTexts,
};

/** Reads the roles by name, and adds what is wrong to `problems`, one line for each key. */
export function readRoles(value: unknown, problems: string[]): CustomRoles {
  const roles: Record<string, CustomRole> = {};
  if (value === undefined) return roles;
  if (!isTable(value)) {
    problems.push('"roles" must be a table: a line [roles], below it NAME = ["Get", "Locate"]');
    return roles;
  }
  for (const [name, given] of Object.entries(value)) {
    const found: string[] = [];
    const role = isTable(given) ? readRoleTable(name, given, found) : readRoleList(name, given, found);
    if (role !== undefined) found.push(...findRoleProblems(name, role));
    problems.push(...found);
    // A name such as __proto__ is one like others.
    if (role !== undefined && found.length === 0)
      Object.defineProperty(roles, name, { value: role, enumerable: true });
  }
  return roles;
}

function readRoleList(name: string, value: unknown, problems: string[]): CustomRole | undefined {
  try {
    // Nothing in a role is a path.
    return readEntries(value, '');
  } catch (error) {
    if (!(error instanceof ConfigValueError)) throw error;
    problems.push(`"${placeOf(name)}" ${error.message}, or a table with operations = […]`);
    return undefined;
  }
}

function readRoleTable(
  name: string,
  table: Readonly<Record<string, unknown>>,
  problems: string[],
): RoleTable | undefined {
  const role: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(table)) {
    if (!Object.hasOwn(readers, key)) {
      problems.push(`unknown key "${placeOf(name)}.${key}"${didYouMean(key, Object.keys(readers))}`);
      continue;
    }
    try {
      role[key] = readers[key as keyof RoleTable](value, '');
    } catch (error) {
      if (!(error instanceof ConfigValueError)) throw error;
      problems.push(`"${placeOf(name)}.${key}" ${error.message}`);
    }
  }
  if (table.operations === undefined)
    problems.push(
      `"${placeOf(name)}" needs operations = ["Get", …]; ${restrictionNames.join(', ')} restrict them`,
    );
  return role.operations === undefined ? undefined : (role as unknown as RoleTable);
}

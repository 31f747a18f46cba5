import { CryptographicAlgorithm, KeyFormatType, ObjectType, State } from '../../codec/enums.ts';
import {
  type AlgorithmRule,
  formatAlgorithmRule,
  noAlgorithm,
  type RestrictionName,
  type RoleRestrictions,
  restrictionNames,
} from '../common/role-restrictions.ts';
import { didYouMean } from '../common/suggest.ts';

/** Roles as the configuration has them (docs/decisions/58-roles-as-tables.md). */

/** A role as table. A list that is absent restricts nothing. */
export interface RoleTable {
  /** Operations and other permissions by name, and built-in roles. */
  readonly operations: readonly string[];
  readonly objectTypes?: readonly string[];
  readonly algorithms?: readonly string[];
  readonly formats?: readonly string[];
  readonly wrapping?: string;
  readonly states?: readonly string[];
}

/** A role of the configuration: a table, or the operations alone. */
export type CustomRole = readonly string[] | RoleTable;

/** Values of `wrapping`; the first one restricts nothing. */
const wrappings: readonly string[] = ['optional', 'required'];

/** States of objects that have a value. */
const statesWithValue = State.members.filter((state) => !state.startsWith('Destroyed'));

/** The names that the lists may have, and what they are called. */
const names: Readonly<
  Record<'objectTypes' | 'formats' | 'states', { readonly of: readonly string[]; readonly what: string }>
> = {
  objectTypes: { of: ObjectType.members, what: 'no Object Type of KMIP' },
  formats: { of: KeyFormatType.members, what: 'no Key Format Type of KMIP' },
  states: { of: statesWithValue, what: 'no State of objects that have a value' },
};

function isTable(role: CustomRole): role is RoleTable {
  return 'operations' in role;
}

/** The operations, other permissions and built-in roles that a role lists. */
export function entriesOf(role: CustomRole): readonly string[] {
  return isTable(role) ? role.operations : role;
}

/** Where a role stands in the configuration, such as `roles.backup`. */
export function placeOf(name: string): string {
  return `roles.${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)}`;
}

/** Where the operations of a role stand, such as `roles.backup.operations`, or `roles.backup` of a list. */
export function placeOfOperations(name: string, role: CustomRole): string {
  return isTable(role) ? `${placeOf(name)}.operations` : placeOf(name);
}

/** Returns what is wrong with the restrictions of a role, each problem under the name of one. */
export function findRestrictionProblems(
  role: CustomRole,
): readonly { readonly restriction: RestrictionName; readonly problem: string }[] {
  if (!isTable(role)) return [];
  return restrictionNames.flatMap((restriction) => {
    const problem = findProblem(role, restriction);
    return problem === undefined ? [] : [{ restriction, problem }];
  });
}

function findProblem(role: RoleTable, restriction: RestrictionName): string | undefined {
  const value = role[restriction];
  if (value === undefined) return undefined;
  if (restriction === 'wrapping')
    return wrappings.includes(String(value))
      ? undefined
      : `"${value}" is none of ${wrappings.map((each) => `"${each}"`).join(', ')}${didYouMean(String(value), wrappings)}`;
  if (value.length === 0) return 'the list is empty and would allow nothing; leave it out to allow all';
  for (const entry of value) {
    const problem =
      restriction === 'algorithms' ? findAlgorithmProblem(entry) : findNameProblem(restriction, entry);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function findNameProblem(list: keyof typeof names, entry: string): string | undefined {
  const { of, what } = names[list];
  return of.includes(entry) ? undefined : `"${entry}" is ${what}${didYouMean(entry, of)}`;
}

const algorithms: readonly string[] = [...CryptographicAlgorithm.members, noAlgorithm];
const algorithmPattern = /^(\w+)(?: *(=|>=) *(\d{1,6}))?$/;

function findAlgorithmProblem(entry: string): string | undefined {
  const [, name, , bits] = algorithmPattern.exec(entry) ?? [];
  if (name === undefined) {
    const [, meant = '', length = '', open] = /^(\w+?)[-_: ](\d{2,6})([-+]?)$/.exec(entry) ?? [];
    const hint = algorithms.includes(meant) ? `: write "${meant}${open ? '>=' : '='}${length}"` : '';
    return `"${entry}" is neither an algorithm nor one with a length, such as "AES=256" or "RSA>=3072"${hint}`;
  }
  if (!algorithms.includes(name))
    return `"${name}" is no Cryptographic Algorithm of KMIP${didYouMean(name, algorithms)}`;
  if (name === noAlgorithm && bits !== undefined)
    return `"${entry}" gives a length to "${noAlgorithm}", which stands for objects without an algorithm`;
  return undefined;
}

function parseAlgorithm(entry: string): AlgorithmRule {
  const [, algorithm = '', comparison, bits] = algorithmPattern.exec(entry) ?? [];
  return comparison === undefined
    ? { algorithm }
    : { algorithm, comparison: comparison as '=' | '>=', bits: Number(bits) };
}

/**
 * Returns the restrictions of a role in which `findRestrictionProblems` finds nothing; undefined when it has
 * none.
 */
export function restrictionsOf(name: string, role: CustomRole): RoleRestrictions | undefined {
  if (!isTable(role)) return undefined;
  const rules = role.algorithms?.map(parseAlgorithm);
  const isWrappingRequired = role.wrapping === 'required';
  const canonical = {
    objectTypes: sortUnique(role.objectTypes),
    algorithms: sortUnique(rules?.map(formatAlgorithmRule)),
    formats: sortUnique(role.formats),
    wrapping: isWrappingRequired ? 'required' : undefined,
    states: sortUnique(role.states),
  } satisfies Record<RestrictionName, unknown>;
  if (Object.values(canonical).every((value) => value === undefined)) return undefined;
  const { objectTypes, formats, states } = canonical;
  return {
    ...(objectTypes && { objectTypes: new Set(objectTypes) }),
    ...(canonical.algorithms && { algorithms: canonical.algorithms.map(parseAlgorithm) }),
    ...(formats && { formats: new Set(formats) }),
    isWrappingRequired,
    ...(states && { states: new Set(states) }),
    text: JSON.stringify(canonical),
    rules: Object.fromEntries(
      restrictionNames.map((each) => [each, `${placeOf(name)}.${each}`]),
    ) as RoleRestrictions['rules'],
  };
}

function sortUnique(values: readonly string[] | undefined): readonly string[] | undefined {
  return values && [...new Set(values)].toSorted();
}

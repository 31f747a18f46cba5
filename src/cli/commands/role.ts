import { approvalTexts } from '../../common/client-approvals.ts';
import { listRestrictions, type RestrictionName, restrictionNames } from '../../common/role-restrictions.ts';
import {
  alwaysGranted,
  describeRoles,
  hashRoles,
  type RoleDescription,
  type RoleOrigin,
} from '../../identity/policy.ts';
import { type Command, type CommandGroup, homeOption, jsonOption, print } from '../command.ts';
import { UsageError } from '../failure.ts';
import { requireRole } from '../known-roles.ts';
import { requireInitialised, stateDirectoryAt } from '../state-directory/state-directory.ts';
import { formatTable } from '../table.ts';

interface Arguments {
  readonly home: string;
  readonly json: boolean;
}

interface ShowArguments extends Arguments {
  readonly role: string;
}

interface DiffArguments extends ShowArguments {
  readonly other?: string;
}

const origins: Readonly<Record<RoleOrigin, string>> = {
  'built-in': 'built in',
  configured: 'kmipd.toml',
  replaced: 'kmipd.toml, in place of the built-in one',
};

/** The command `role list`. */
const roleList: Command<Arguments> = {
  command: 'list',
  describe: 'List the roles: built-in ones and those of kmipd.toml',
  builder: (yargs) => yargs.options(homeOption).options(jsonOption),
  async run({ home, json }) {
    const roles = readRoles(home);
    const policyHash = hashRoles(roles).toHex();
    if (json) {
      for (const role of roles) print(JSON.stringify(toJson(role)));
      return print(JSON.stringify({ policyHash }));
    }
    print(
      formatTable([
        ['NAME', 'PERMISSIONS', 'RESTRICTED', 'FROM'],
        ...roles.map((role) => [
          role.name,
          `${role.permissions.size}`,
          restrictionsIn(role)
            .map(([name]) => name)
            .join(', ') || '-',
          origins[role.origin],
        ]),
      ]),
    );
    print(`policy hash ${policyHash}: equal on nodes whose roles permit the same`);
  },
};

/** The command `role show`. */
const roleShow: Command<ShowArguments> = {
  command: 'show <role>',
  describe: 'Show what a role permits, by which of its entries, and what it restricts',
  builder: (yargs) =>
    yargs
      .positional('role', { type: 'string', describe: 'Name of the role, see kmipd role list' })
      .options(homeOption)
      .options(jsonOption),
  async run({ home, role: name, json }) {
    const role = requireRole(readRoles(home), name);
    if (json) return print(JSON.stringify(toJson(role)));
    print(`role ${role.name}: ${origins[role.origin]}`);
    const { permissions } = role;
    if (role.origin === 'built-in') for (const permission of permissions.keys()) print(permission);
    else
      print(
        formatTable([
          ['PERMISSION', 'BY'],
          ...[...permissions].map(([permission, by]) => [permission, by.join(', ')]),
        ]),
      );
    const restrictions = restrictionsIn(role);
    if (restrictions.length > 0)
      print(
        formatTable([
          ['RESTRICTION', 'VALUE'],
          ...restrictions.map(([name, values]) => [name, values.join(', ')]),
        ]),
      );
    if (role.approvals.size > 0)
      print(`only with the approval of an administrator: ${describeApprovals(role)}`);
    print(`every role also has ${[...alwaysGranted].join(', ')}`);
  },
};

/** The command `role diff`. */
const roleDiff: Command<DiffArguments> = {
  command: 'diff <role> [other]',
  describe: 'Compare two roles, or a role of kmipd.toml with the built-in one of its name',
  builder: (yargs) =>
    yargs
      .positional('role', { type: 'string', describe: 'Name of a role' })
      .positional('other', { type: 'string', describe: 'Name of the other role' })
      .options(homeOption)
      .options(jsonOption),
  async run({ home, role: name, other: otherName, json }) {
    const roles = readRoles(home);
    const role = requireRole(roles, name);
    const other = otherName === undefined ? requireReplaced(role) : requireRole(roles, otherName);
    const title = otherName === undefined ? `${other.name} (built in)` : other.name;
    const added = missingIn(other, role);
    const removed = missingIn(role, other);
    const restrictions = changedRestrictions(other, role);
    if (json) return print(JSON.stringify({ role: name, other: title, added, removed, restrictions }));
    if (added.length + removed.length + restrictions.length === 0)
      return print(`${role.name} permits the same as ${title}`);
    print(`${role.name}, compared with ${title}:`);
    for (const permission of added) print(`+ ${permission}`);
    for (const permission of removed) print(`- ${permission}`);
    for (const { restriction, from, to } of restrictions)
      print(`  ${restriction}: ${to ?? 'not restricted'} (${title}: ${from ?? 'not restricted'})`);
  },
};

/** The commands `role`. */
export const roleCommands: CommandGroup = {
  command: 'role',
  describe: 'See what the roles of clients permit',
  commands: [roleList, roleShow, roleDiff],
};

function readRoles(home: string): readonly RoleDescription[] {
  const { roles, approval } = requireInitialised(stateDirectoryAt(home));
  return describeRoles(roles, approval);
}

/** Returns the built-in role in whose place a role of the configuration stands. */
function requireReplaced({ name, origin }: RoleDescription): RoleDescription {
  if (origin !== 'replaced')
    throw new UsageError(`the role "${name}" replaces no built-in one; name two roles to compare`);
  return requireRole(describeRoles({}), name);
}

/** Returns the permissions of `role` that `other` lacks. */
function missingIn(other: RoleDescription, role: RoleDescription): readonly string[] {
  return [...role.permissions.keys()].filter((permission) => !other.permissions.has(permission));
}

function describeApprovals({ approvals }: RoleDescription): string {
  return [...approvals].map((name) => approvalTexts[name]).join('; ');
}

/** What a role restricts beside the operations. */
function restrictionsIn({ restrictions }: RoleDescription) {
  return restrictions === undefined ? [] : listRestrictions(restrictions);
}

/** A restriction that differs; absent: not restricted. */
interface ChangedRestriction {
  readonly restriction: RestrictionName;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Returns the restrictions in which `role` differs from `other`. */
function changedRestrictions(other: RoleDescription, role: RoleDescription): readonly ChangedRestriction[] {
  const textsOf = (each: RoleDescription) =>
    new Map(restrictionsIn(each).map(([name, values]) => [name, values.join(', ')]));
  const [before, after] = [textsOf(other), textsOf(role)];
  return restrictionNames
    .map((restriction) => ({ restriction, from: before.get(restriction), to: after.get(restriction) }))
    .filter(({ from, to }) => from !== to);
}

function toJson(role: RoleDescription) {
  const { name, origin, permissions, restrictions, approvals } = role;
  const entries = restrictionsIn(role).map(([restriction, values]) => [
    restriction,
    restriction === 'wrapping' ? values[0] : values,
  ]);
  return {
    name,
    origin,
    permissions: Object.fromEntries(permissions),
    ...(restrictions !== undefined && { restrictions: Object.fromEntries(entries) }),
    ...(approvals.size > 0 && { approvals: [...approvals] }),
  };
}

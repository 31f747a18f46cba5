import { createHash } from 'node:crypto';
import { Operation } from '../../codec/enums.ts';
import { type ApprovableOperation, approvalsOfRole, noClientApprovals } from '../common/client-approvals.ts';
import type { RestrictionName, RoleRestrictions } from '../common/role-restrictions.ts';
import { didYouMean } from '../common/suggest.ts';
import {
  type CustomRole,
  entriesOf,
  findRestrictionProblems,
  placeOf,
  placeOfOperations,
  restrictionsOf,
} from './role-table.ts';

/**
 * Operations that every authorised client may use: they tell nothing of objects, and clients probe the server
 * with them.
 */
export const alwaysGranted: ReadonlySet<string> = new Set(['DiscoverVersions', 'Query', 'Ping']);

/**
 * Permissions beside the operations: uses of an operation that its own name does not permit. `ImportReplace`:
 * Import with Replace Existing of an object that exists. `ImportAsIs`: Import may state that an object was
 * always sensitive, never extractable, or created elsewhere at a certain time. `UseProtectedPassword`: Get,
 * Export and Register may make and open PKCS#12 files by passwords that the client may not fetch.
 * `ForeignNames`: the operations on attributes, Re-key and Import may change Names of objects that other
 * clients made. `GroupPolicy`: Set Defaults and Set Constraints may decide for all clients of the group.
 */
export const extraPermissions = [
  'ImportReplace',
  'ImportAsIs',
  'UseProtectedPassword',
  'ForeignNames',
  'GroupPolicy',
] as const;

/**
 * Permissions that an operator grants by name: what ImportAsIs states is believed unseen, a PKCS#12 tells
 * whether a guess at its password is right, Names decide which keys the others find, and the policy of a
 * group what the others make.
 */
const grantedByName: readonly string[] = [
  'ImportAsIs',
  'UseProtectedPassword',
  'ForeignNames',
  'GroupPolicy',
];

const permissions: readonly string[] = [...Operation.members, ...extraPermissions];

/**
 * Built-in roles: the operations that each product was seen to send, and no more. Each operation is a
 * permission of its own: none implies another.
 */
export const presets: Readonly<Record<string, readonly string[]>> = {
  full: permissions.filter((permission) => !grantedByName.includes(permission)),
  'read-only': ['Locate', 'Get', 'GetAttributes', 'GetAttributeList', 'Check'],
  barbican: ['Create', 'CreateKeyPair', 'Register', 'Get', 'Destroy'],
  ceph: ['Create', 'Register', 'Locate', 'Get', 'Destroy', 'Encrypt', 'Decrypt'],
  edb: ['Create', 'Activate', 'Encrypt', 'Decrypt'],
  fortigate: ['Locate', 'Get'],
  'hpe-datafabric': ['Create', 'Register', 'Locate', 'Get', 'Activate', 'ReKey', 'Revoke', 'Destroy'],
  iris: ['Create', 'Locate', 'Get', 'Destroy'],
  mongodb: ['Create', 'Register', 'Activate', 'Locate', 'Get', 'GetAttributes', 'Encrypt', 'Decrypt'],
  'mysql-enterprise': [
    ...['Create', 'Register', 'Activate', 'Locate', 'Get', 'Revoke', 'Destroy'],
    ...['GetAttributes', 'GetAttributeList', 'AddAttribute', 'ModifyAttribute', 'DeleteAttribute'],
  ],
  ontap: ['Register', 'Locate', 'Get', 'Destroy'],
  openbao: ['GetAttributes', 'Encrypt', 'Decrypt'],
  'percona-mysql': ['Register', 'Activate', 'Locate', 'Get', 'GetAttributes', 'Revoke', 'Destroy'],
  'pg-tde': ['Register', 'Locate', 'Get', 'GetAttributes'],
  scylladb: ['Create', 'Activate', 'Locate', 'Get', 'GetAttributes'],
  synology: [
    ...['Create', 'Register', 'Activate', 'Locate', 'Get', 'Revoke', 'Destroy'],
    ...['GetAttributes', 'GetAttributeList', 'ModifyAttribute'],
  ],
  vast: [
    ...['Create', 'Activate', 'Locate', 'Get', 'ReKey', 'Revoke', 'Destroy'],
    ...['GetAttributes', 'AddAttribute'],
  ],
  vcenter: ['Create', 'Activate', 'Get', 'GetAttributes', 'AddAttribute'],
  veeam: ['CreateKeyPair', 'Activate', 'Locate', 'Get', 'Destroy'],
};

/** Roles of the configuration by name. A role with the name of a built-in one replaces it. */
export type CustomRoles = Readonly<Record<string, CustomRole>>;

/**
 * Returns what is wrong with a role of the configuration, one line for its author for each problem, which
 * begins with the place of the entry.
 */
export function findRoleProblems(name: string, role: CustomRole): readonly string[] {
  if (name === 'full') return [`"${placeOf(name)}": the role "full" is built in; give yours another name`];
  const unknown = entriesOf(role).find(
    (entry) => !permissions.includes(entry) && !Object.hasOwn(presets, entry),
  );
  const known = [...permissions, ...Object.keys(presets)];
  return [
    ...(unknown === undefined
      ? []
      : [
          `"${placeOfOperations(name, role)}": "${unknown}" is neither an operation of KMIP nor a built-in role${didYouMean(unknown, known)}`,
        ]),
    ...findRestrictionProblems(role).map(
      ({ restriction, problem }) => `"${placeOf(name)}.${restriction}": ${problem}`,
    ),
  ];
}

/** Where a role is defined; `replaced`: the configuration has one by the name of a built-in role. */
export type RoleOrigin = 'built-in' | 'configured' | 'replaced';

/** A role as operators see it. */
export interface RoleDescription {
  readonly name: string;
  readonly origin: RoleOrigin;
  /**
   * What it permits, in the order of the specification: each permission with the entries of the role that
   * grant it, its own name or those of built-in roles.
   */
  readonly permissions: ReadonlyMap<string, readonly string[]>;
  /** What it restricts beside the operations; undefined when nothing. */
  readonly restrictions: RoleRestrictions | undefined;
  /** What its clients do only with the approval of an administrator. */
  readonly approvals: ReadonlySet<ApprovableOperation>;
  /** The place of the first entry that grants each permission, such as `roles.backup.operations[1]`. */
  readonly rules: ReadonlyMap<string, string>;
  /** The place of the list that lacks every other permission, such as `roles.backup.operations`. */
  readonly list: string;
}

/** Returns the permissions that one entry of a role stands for. */
function permissionsOf(entry: string): readonly string[] {
  return Object.hasOwn(presets, entry) ? (presets[entry] ?? []) : [entry];
}

function describeRole(
  [name, role]: readonly [name: string, role: CustomRole],
  origin: RoleOrigin,
  rule: typeof noClientApprovals,
): RoleDescription {
  const entries = entriesOf(role);
  const list = origin === 'built-in' ? `built-in ${name}` : placeOfOperations(name, role);
  const granted = permissions.flatMap((permission) => {
    const by = [...new Set(entries)].filter((entry) => permissionsOf(entry).includes(permission));
    return by.length === 0 ? [] : [[permission, by] as const];
  });
  const ruleOf = (entry: string | undefined) =>
    origin === 'built-in' ? list : `${list}[${entries.indexOf(entry ?? '')}]`;
  return {
    name,
    origin,
    permissions: new Map(granted),
    restrictions: restrictionsOf(name, role),
    approvals: approvalsOfRole(rule, name),
    rules: new Map(granted.map(([permission, by]) => [permission, ruleOf(by[0])])),
    list,
  };
}

/**
 * Returns the built-in roles and those of a configuration in which `findRoleProblems` finds nothing.
 * @param rule what needs an approval; nothing when left out
 */
export function describeRoles(custom: CustomRoles, rule = noClientApprovals): readonly RoleDescription[] {
  const replaced = new Set(Object.keys(custom));
  return [
    ...Object.entries(presets)
      .filter(([name]) => !replaced.has(name))
      .map((role) => describeRole(role, 'built-in', rule)),
    ...Object.entries(custom).map((role) =>
      describeRole(role, Object.hasOwn(presets, role[0]) ? 'replaced' : 'configured', rule),
    ),
  ];
}

/** Length of the hash of a policy in bytes. */
const hashBytes = 8;

/**
 * Returns 8 bytes that are equal for roles that permit and restrict the same under the same names, and need
 * the same approvals, in whatever order and by whatever entries: the first bytes of SHA-256. They tell two
 * configurations, and two versions of kmipd with other built-in roles, apart; they prove nothing against
 * somebody who searches for an equal hash.
 */
export function hashRoles(roles: Iterable<RoleDescription>): Uint8Array {
  const data = [...roles]
    .map(({ name, permissions: granted, restrictions, approvals }) => [
      ...[name, [...granted.keys()].toSorted(), restrictions?.text ?? ''],
      // Without a rule the hash is that of a kmipd that knows none.
      ...(approvals.size > 0 ? [[...approvals].toSorted()] : []),
    ])
    .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1));
  const canonical = JSON.stringify(['kmipd policy 1', data]);
  return new Uint8Array(createHash('sha256').update(canonical).digest().subarray(0, hashBytes));
}

/**
 * The operations that each role may use, and what it restricts beside them; unknown roles and operations are
 * denied. Principals ask it for every batch item, so `replace` is effective on open connections.
 */
export class RolePolicy {
  readonly #rule: typeof noClientApprovals;
  #roles: ReadonlyMap<string, RoleDescription> = new Map();
  #hash: Uint8Array = new Uint8Array();

  /** @param rule what needs an approval; nothing when left out */
  constructor(custom: CustomRoles = {}, rule = noClientApprovals) {
    this.#rule = rule;
    this.replace(custom);
  }

  /** Replaces the roles by those that `describeRoles` returns. */
  replace(custom: CustomRoles): void {
    this.#roles = new Map(describeRoles(custom, this.#rule).map((role) => [role.name, role]));
    this.#hash = hashRoles(this.#roles.values());
  }

  /** All roles. */
  get roles(): readonly RoleDescription[] {
    return [...this.#roles.values()];
  }

  /** As `hashRoles` of all roles in force; a copy. */
  get hash(): Uint8Array {
    return this.#hash.slice();
  }

  /** Whether the role includes the operation, by its KMIP name, or the extra permission. */
  permits(role: string, operation: string): boolean {
    return alwaysGranted.has(operation) || (this.#roles.get(role)?.permissions.has(operation) ?? false);
  }

  /** What the role restricts beside the operations; undefined when nothing. */
  restrictions(role: string): RoleRestrictions | undefined {
    return this.#roles.get(role)?.restrictions;
  }

  /** Whether clients of the role need the approval of an administrator for it. */
  needsApproval(role: string, operation: ApprovableOperation): boolean {
    return this.#roles.get(role)?.approvals.has(operation) ?? false;
  }

  /**
   * Returns what has decided about a permission, as short text: the entry that grants it
   * (`roles.backup.operations[1]`, `built-in veeam`, `every role`), or the list that lacks it. Undefined for
   * a role that is not defined and so permits nothing else. The texts are made by `replace`.
   */
  ruleOf(role: string, permission: string): string | undefined {
    if (alwaysGranted.has(permission)) return 'every role';
    const described = this.#roles.get(role);
    return described?.rules.get(permission) ?? described?.list;
  }

  /** Returns where a restriction of the role stands, such as `roles.backup.formats`; undefined without. */
  ruleOfRestriction(role: string, restriction: RestrictionName): string | undefined {
    return this.#roles.get(role)?.restrictions?.rules[restriction];
  }
}

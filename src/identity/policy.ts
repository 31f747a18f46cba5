import { Operation } from '../../codec/enums.ts';
import { didYouMean } from '../common/suggest.ts';

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

/**
 * Roles of the configuration: name → operations and built-in roles. A role with the name of a built-in one
 * replaces it.
 */
export type CustomRoles = Readonly<Record<string, readonly string[]>>;

/**
 * Returns what is wrong with a role of the configuration, as a message for its author; undefined when nothing
 * is.
 */
export function roleProblem(name: string, entries: readonly string[]): string | undefined {
  if (name === 'full') return 'the role "full" is built in; give yours another name';
  for (const entry of entries) {
    if (permissions.includes(entry) || Object.hasOwn(presets, entry)) continue;
    const known = [...permissions, ...Object.keys(presets)];
    return `"${entry}" is neither an operation of KMIP nor a built-in role${didYouMean(entry, known)}`;
  }
  return undefined;
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
}

/** Returns the permissions that one entry of a role stands for. */
function permissionsOf(entry: string): readonly string[] {
  return Object.hasOwn(presets, entry) ? (presets[entry] ?? []) : [entry];
}

function describeRole(name: string, entries: readonly string[], origin: RoleOrigin): RoleDescription {
  const granted = permissions.flatMap((permission) => {
    const by = [...new Set(entries)].filter((entry) => permissionsOf(entry).includes(permission));
    return by.length === 0 ? [] : [[permission, by] as const];
  });
  return { name, origin, permissions: new Map(granted) };
}

/** Returns the built-in roles and those of a configuration in which `roleProblem` finds nothing wrong. */
export function describeRoles(custom: CustomRoles): readonly RoleDescription[] {
  const replaced = new Set(Object.keys(custom));
  return [
    ...Object.entries(presets)
      .filter(([name]) => !replaced.has(name))
      .map(([name, entries]) => describeRole(name, entries, 'built-in')),
    ...Object.entries(custom).map(([name, entries]) =>
      describeRole(name, entries, Object.hasOwn(presets, name) ? 'replaced' : 'configured'),
    ),
  ];
}

/**
 * The operations that each role may use; unknown roles and operations are denied. Principals ask it for every
 * batch item, so `replace` is effective on open connections.
 */
export class RolePolicy {
  #roles: ReadonlyMap<string, RoleDescription> = new Map();

  constructor(custom: CustomRoles = {}) {
    this.replace(custom);
  }

  /** Replaces the roles by those that `describeRoles` returns. */
  replace(custom: CustomRoles): void {
    this.#roles = new Map(describeRoles(custom).map((role) => [role.name, role]));
  }

  /** All roles. */
  get roles(): readonly RoleDescription[] {
    return [...this.#roles.values()];
  }

  /** Whether the role includes the operation, by its KMIP name, or the extra permission. */
  permits(role: string, operation: string): boolean {
    return alwaysGranted.has(operation) || (this.#roles.get(role)?.permissions.has(operation) ?? false);
  }
}

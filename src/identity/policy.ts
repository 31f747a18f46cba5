import { Operation } from '../../codec/enums.ts';
import { didYouMean } from '../common/suggest.ts';

/** Who may speak at all may ask these: they show nothing of any object, and clients probe with them before all else. */
export const alwaysGranted: ReadonlySet<string> = new Set(['DiscoverVersions', 'Query', 'Ping']);

/**
 * Operations that each product was seen to send, and nothing more. One permission per operation: no grant implies
 * another one.
 */
export const presets: Readonly<Record<string, readonly string[]>> = {
  full: Operation.members,
  'read-only': ['Locate', 'Get', 'GetAttributes', 'GetAttributeList', 'Check'],
  barbican: ['Create', 'CreateKeyPair', 'Register', 'Get', 'Destroy'],
  ceph: ['Create', 'Locate', 'Get'],
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
  openbao: ['Encrypt', 'Decrypt'],
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

/** Roles of the configuration: name → operations and presets. One that bears a preset's name takes its place. */
export type CustomRoles = Readonly<Record<string, readonly string[]>>;

/** What a role of the configuration may not say: message for the person who wrote it, beginning after the role's name. */
export function roleProblem(name: string, entries: readonly string[]): string | undefined {
  if (name === 'full') return 'the role "full" is built in; give yours another name';
  for (const entry of entries) {
    if (Operation.members.includes(entry as never) || Object.hasOwn(presets, entry)) continue;
    const known = [...(Operation.members as readonly string[]), ...Object.keys(presets)];
    return `"${entry}" is neither an operation of KMIP nor a built-in role${didYouMean(entry, known)}`;
  }
  return undefined;
}

/**
 * Which role may do what; denies what it does not know. Principals ask it at every batch item, so `replace` reaches
 * the connections that are open.
 */
export class Policy {
  #grants = new Map<string, ReadonlySet<string>>();

  constructor(custom: CustomRoles = {}) {
    this.replace(custom);
  }

  /** Takes over the roles of a configuration that `roleProblem` found nothing wrong with. */
  replace(custom: CustomRoles): void {
    const grants = new Map(Object.entries(presets).map(([name, operations]) => [name, new Set(operations)]));
    for (const [name, entries] of Object.entries(custom)) {
      grants.set(
        name,
        new Set(entries.flatMap((entry) => (Object.hasOwn(presets, entry) ? presets[entry] : entry) ?? [])),
      );
    }
    this.#grants = grants;
  }

  get roles(): readonly string[] {
    return [...this.#grants.keys()];
  }

  permits(role: string, operation: string): boolean {
    return alwaysGranted.has(operation) || (this.#grants.get(role)?.has(operation) ?? false);
  }
}

import type { AdministratorRole } from '../identity/administrator.ts';
import type { MethodName, ParamsOf } from './api.ts';
import { AccessDeniedError } from './errors.ts';

/** What the roles of administrators permit: `limited` only what `limits` says of the method. */
type Cell = boolean | 'limited';
type Row = Readonly<Record<AdministratorRole, Cell>>;

const everyRole: Row = { admin: true, operator: true, auditor: true };
const dailyWork: Row = { admin: true, operator: true, auditor: false };
const adminAlone: Row = { admin: true, operator: false, auditor: false };
const adminElseLimited: Row = { admin: true, operator: 'limited', auditor: 'limited' };

/**
 * Which role may call which method. A method without a row does not compile. `operator` changes no roles, no
 * trust, no roots and no administrators; `auditor` changes nothing.
 */
export const methodRoles: { readonly [M in MethodName]: Row } = {
  'client.list': everyRole,
  'client.find': everyRole,
  'client.show': everyRole,
  'client.add': adminAlone,
  'client.setDisabled': dailyWork,
  'client.remove': adminAlone,
  'client.endpoint': everyRole,
  // The server sends new keys there.
  'client.setEndpoint': adminAlone,
  'credential.list': everyRole,
  'credential.addPassword': adminAlone,
  'credential.addDevice': adminAlone,
  'credential.addOneTimePasswords': adminAlone,
  'credential.checkOneTimePasswords': adminAlone,
  // A client without credentials needs its certificate only.
  'credential.remove': adminAlone,
  'object.show': everyRole,
  'object.mark': adminAlone,
  'object.unmark': adminAlone,
  'object.purge': adminElseLimited,
  'object.restorable': everyRole,
  'object.restore': dailyWork,
  'audit.list': everyRole,
  'policy.explain': everyRole,
  'grant.add': adminAlone,
  'grant.list': everyRole,
  'grant.remove': adminAlone,
  'quota.set': adminAlone,
  'quota.list': everyRole,
  'quota.remove': adminAlone,
  'node.list': everyRole,
  'node.remove': adminElseLimited,
  'node.renew': dailyWork,
  'vault.status': everyRole,
  'vault.receiver': everyRole,
  'vault.unseal': adminAlone,
  'vault.prepareRoot': adminAlone,
  'vault.values': everyRole,
  'vault.addRoot': adminAlone,
  'vault.keepRoot': adminAlone,
  'vault.tokenLogin': dailyWork,
  'vault.rotate': { admin: true, operator: 'limited', auditor: false },
  'vault.rewrap': { admin: true, operator: true, auditor: 'limited' },
  'vault.retire': adminAlone,
  'tokenKey.list': everyRole,
  'tokenKey.objects': everyRole,
  'tokenKey.remove': adminAlone,
  'crl.issuers': everyRole,
  'crl.make': dailyWork,
  'crl.revoke': adminAlone,
  'approval.list': everyRole,
  // And what the role may do alone, besides.
  'approval.approve': dailyWork,
  'approval.reject': dailyWork,
  'approval.outcome': dailyWork,
  'admin.list': everyRole,
  'admin.show': everyRole,
  'admin.add': adminAlone,
  'admin.reset': adminAlone,
  'admin.setDisabled': adminAlone,
  'admin.remove': adminAlone,
};

interface Limit<M extends MethodName> {
  /** What is permitted, for the operator. */
  readonly text: string;
  readonly permits: (params: ParamsOf<M>) => boolean;
}

/** What a role may do whose cell is `limited`. */
export const limits: { readonly [M in MethodName]?: Limit<M> } = {
  'object.purge': { text: 'a dry run', permits: ({ dryRun }) => dryRun },
  'node.remove': { text: 'to be shown the node', permits: ({ commits }) => commits === undefined },
  'vault.rotate': {
    text: 'an epoch under the same index and set secrets',
    permits: ({ renewsSecrets }) => !renewsSecrets,
  },
  'vault.rewrap': { text: 'a dry run', permits: ({ dryRun }) => dryRun },
};

/** Whether a method of that name is in the table. */
export const isMethod = (method: string): method is MethodName => Object.hasOwn(methodRoles, method);

/** Whether a role may call a method with these parameters. */
export function isPermitted<M extends MethodName>(
  role: AdministratorRole,
  method: M,
  params: ParamsOf<M>,
): boolean {
  const cell = isMethod(method) ? methodRoles[method][role] : false;
  // Of a role that is unknown, such as `toString`, the cell is nothing that this table has.
  if (cell !== 'limited') return cell === true;
  const limit: Limit<M> | undefined = limits[method];
  return limit?.permits(params) === true;
}

/**
 * Refuses what a role may not call, or not with these parameters.
 * @throws {AccessDeniedError}
 */
export function requireMethodPermission<M extends MethodName>(
  role: AdministratorRole,
  method: M,
  params: ParamsOf<M>,
): void {
  if (isPermitted(role, method, params)) return;
  const isLimited = isMethod(method) && methodRoles[method][role] === 'limited';
  const more = isLimited ? ` beyond ${limits[method]?.text}` : '';
  throw new AccessDeniedError(`the role ${role} may not call ${method}${more}; docs/administrators.md`);
}

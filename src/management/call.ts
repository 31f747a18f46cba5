import type { ManagementBackends, MethodName, ParamsOf, ResultOf } from './api.ts';
import type { CallObserver } from './call-observer.ts';
import type { Caller } from './caller.ts';
import { requireMethodPermission } from './roles.ts';

/** The methods by the first word of their names. A process loads those that it calls. */
const families = {
  client: async () => (await import('./methods/clients.ts')).clientMethods,
  credential: async () => (await import('./methods/credentials.ts')).credentialMethods,
  object: async () => (await import('./methods/objects.ts')).objectMethods,
  audit: async () => (await import('./methods/audit.ts')).auditMethods,
  grant: async () => (await import('./methods/grants.ts')).grantMethods,
  quota: async () => (await import('./methods/quotas.ts')).quotaMethods,
  policy: async () => (await import('./methods/policy.ts')).policyMethods,
  node: async () => (await import('./methods/nodes.ts')).nodeMethods,
  vault: async () => (await import('./methods/vault.ts')).vaultMethods,
  tokenKey: async () => (await import('./methods/token-keys.ts')).tokenKeyMethods,
  crl: async () => (await import('./methods/revocation-lists.ts')).revocationListMethods,
  approval: async (observe: CallObserver) =>
    (await import('./methods/approvals.ts')).createApprovalMethods(
      (backends, caller, method, params) => callMethod(backends, caller, method, params, observe),
      observe,
    ),
  admin: async () => (await import('./methods/administrators.ts')).administratorMethods,
} as const;

type AnyMethod = (backends: ManagementBackends, params: unknown, caller: Caller) => Promise<unknown>;

/**
 * Runs a method of the management service in this process, for a caller that was recognised.
 * @param observe observes the call that an approval runs
 * @throws {AccessDeniedError} when its role may not call the method
 * @throws {ManagementError} when the method refuses what was asked for; errors of the store and the vault.
 */
export async function callMethod<M extends MethodName>(
  backends: ManagementBackends,
  caller: Caller,
  method: M,
  params: ParamsOf<M>,
  observe: CallObserver,
): Promise<ResultOf<M>> {
  requireMethodPermission(caller.role, method, params);
  const [family] = method.split('.') as [keyof typeof families];
  const methods = (await families[family](observe)) as Readonly<Record<string, AnyMethod>>;
  const run = methods[method];
  if (run === undefined) throw new TypeError(`${method} is no method`);
  return (await run(backends, params, caller)) as ResultOf<M>;
}

import type { ManagementBackends, MethodName, ParamsOf, ResultOf } from './api.ts';

/** The methods by the first word of their names. A process loads those that it calls. */
const families = {
  client: async () => (await import('./methods/clients.ts')).clientMethods,
  credential: async () => (await import('./methods/credentials.ts')).credentialMethods,
  object: async () => (await import('./methods/objects.ts')).objectMethods,
  audit: async () => (await import('./methods/audit.ts')).auditMethods,
  policy: async () => (await import('./methods/policy.ts')).policyMethods,
  node: async () => (await import('./methods/nodes.ts')).nodeMethods,
  vault: async () => (await import('./methods/vault.ts')).vaultMethods,
  tokenKey: async () => (await import('./methods/token-keys.ts')).tokenKeyMethods,
  crl: async () => (await import('./methods/revocation-lists.ts')).revocationListMethods,
} as const;

type AnyMethod = (backends: ManagementBackends, params: unknown) => Promise<unknown>;

/**
 * Runs a method of the management service in this process.
 * @throws {ManagementError} when it refuses what was asked for; errors of the store and the vault.
 */
export async function callMethod<M extends MethodName>(
  backends: ManagementBackends,
  method: M,
  params: ParamsOf<M>,
): Promise<ResultOf<M>> {
  const [family] = method.split('.') as [keyof typeof families];
  const methods = (await families[family]()) as Readonly<Record<string, AnyMethod>>;
  const run = methods[method];
  if (run === undefined) throw new TypeError(`${method} is no method`);
  return (await run(backends, params)) as ResultOf<M>;
}

import type { MethodName } from './api.ts';
import { limits, methodRoles } from './roles.ts';

/**
 * Whether a call may change something: `auditor` may not make it. It is recorded before it runs, too: the end
 * of the process between the change and its entry must not leave the change unrecorded.
 */
export function isChange(method: string, params: object): boolean {
  if (!Object.hasOwn(methodRoles, method)) return false;
  const cell = methodRoles[method as MethodName].auditor;
  if (cell !== 'limited') return !cell;
  const limit: { readonly permits: (params: never) => boolean } | undefined = limits[method as MethodName];
  return limit?.permits(params as never) !== true;
}

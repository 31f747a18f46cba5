import type { MethodName } from './api.ts';
import { methodRoles } from './roles.ts';

/**
 * Whether a method may change something. Its call is recorded before it runs, too: the end of the process
 * between the change and its entry must not leave the change unrecorded.
 */
export function isChange(method: string): boolean {
  return Object.hasOwn(methodRoles, method) && methodRoles[method as MethodName].auditor !== true;
}

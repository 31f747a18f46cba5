import type { MethodName, ParamsOf } from './api.ts';
import { isMethod, isPermitted } from './roles.ts';

/** Reads that `auditor` has no use for: what became of an own request. */
const ownReads: ReadonlySet<string> = new Set<MethodName>(['approval.outcome']);

/**
 * Whether a call may change something: `auditor` may not make it. It is recorded before it runs, too: the end
 * of the process between the change and its entry must not leave the change unrecorded.
 */
export function isChange(method: string, params: object): boolean {
  if (!isMethod(method) || ownReads.has(method)) return false;
  return !isPermitted('auditor', method, params as ParamsOf<MethodName>);
}

import { didYouMean } from '../common/suggest.ts';
import type { MethodName, ParamsOf } from './api.ts';
import type { ApprovalRule } from './approval-api.ts';
import { isChange } from './changing-methods.ts';
import { ManagementError } from './errors.ts';

/**
 * Methods that may be under the rule: acts of one call. Acts in pages (`object.purge`, `vault.rewrap`) and
 * `vault.retire`, which is called until it is done, would need an approval for each call.
 */
export const approvableMethods: readonly MethodName[] = [
  'client.add',
  'client.setDisabled',
  'client.remove',
  'client.setEndpoint',
  'credential.addPassword',
  'credential.addDevice',
  'credential.addOneTimePasswords',
  'credential.remove',
  'object.mark',
  'object.unmark',
  'object.restore',
  'node.remove',
  'vault.addRoot',
  'vault.keepRoot',
  'vault.rotate',
  'tokenKey.remove',
  'crl.revoke',
  'grant.add',
  'grant.remove',
  'quota.set',
  'quota.remove',
  'admin.add',
  'admin.reset',
  'admin.setDisabled',
  'admin.remove',
];

/**
 * Checks what an operator has put under the rule.
 * @throws {ManagementError} when a method cannot be under it
 */
export function requireApprovable(methods: readonly string[]): void {
  const names: readonly string[] = approvableMethods;
  const wrong = methods.find((method) => !names.includes(method));
  if (wrong !== undefined)
    throw new ManagementError(
      `approval.methods: ${JSON.stringify(wrong)} cannot be under the two-person rule${didYouMean(wrong, names)}; docs/administrators.md lists the methods that can`,
    );
}

/**
 * Returns the rule of a configuration.
 * @throws {ManagementError} as `requireApprovable`
 */
export function toApprovalRule({
  methods,
  hours,
}: {
  readonly methods: readonly string[];
  readonly hours: number;
}): ApprovalRule {
  requireApprovable(methods);
  return { methods, seconds: hours * 3_600 };
}

/** Whether a call needs a second administrator. */
export function needsApproval<M extends MethodName>(
  { methods }: ApprovalRule,
  method: M,
  params: ParamsOf<M>,
): boolean {
  if (methods.length === 0) return false;
  if (makesAdministrator(method, params)) return true;
  return methods.includes(method) && isChange(method, params);
}

/**
 * Whether somebody could log in afterwards who could not before. That is under every rule, because who may do
 * it alone could be two administrators; to disable and remove them helps nobody to be two.
 */
function makesAdministrator(method: MethodName, params: object): boolean {
  if (method === 'admin.setDisabled') return !(params as ParamsOf<'admin.setDisabled'>).disabled;
  return method === 'admin.add' || method === 'admin.reset';
}

import type { AuditItem } from '../audit/audit.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { redactStoreUrl } from '../config/values.ts';
import type { Backends } from './backends.ts';
import type { StartContext } from './start-context.ts';

/** Records start and stop of the daemon, and when its vault is unsealed later. */
export function recordLife(
  { config, closing }: Pick<StartContext, 'config' | 'closing'>,
  { audit, vault, sealing }: Pick<Backends, 'audit' | 'vault' | 'sealing'>,
  version: string,
): void {
  if (audit === undefined) return;
  const store = redactStoreUrl(config.store);
  recordAct(audit, 'Start', { version, store, sealed: !vault.unsealed });
  if (!vault.unsealed) sealing.whenUnsealed(() => recordAct(audit, 'Unsealed'));
  closing.defer(() => recordAct(audit, 'Stop'));
}

/** Records an act of the daemon itself. */
function recordAct(audit: AuditLog, operation: string, details: AuditItem['details'] = {}): void {
  const items = [{ operation, result: 'Success', details }];
  audit.report({ time: Date.now(), kind: 'server', node: audit.node, items });
}

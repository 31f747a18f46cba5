import type { AuditItem } from '../audit/audit.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { redactStoreUrl } from '../config/values.ts';
import type { Backends } from './backends.ts';
import type { StartContext } from './start-context.ts';

/** Records start and stop of the daemon, and when its vault is unsealed later. */
export function recordLifecycle(
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

/** Returns a reload whose result is recorded; `reload` resolves to what is wrong, one line. */
export function recordReloads(
  audit: AuditLog | undefined,
  reload: () => Promise<string | undefined>,
): () => Promise<string | undefined> {
  return async () => {
    const problem = await reload();
    const result =
      problem === undefined ? { result: 'Success' } : { result: 'OperationFailed', reason: problem };
    if (audit !== undefined) recordAct(audit, 'Reload', {}, result);
    return problem;
  };
}

/** Records an act of the daemon itself. */
function recordAct(
  audit: AuditLog,
  operation: string,
  details: AuditItem['details'] = {},
  result: Pick<AuditItem, 'result' | 'reason'> = { result: 'Success' },
): void {
  const items = [{ operation, ...result, details }];
  audit.report({ time: Date.now(), kind: 'server', node: audit.node, items });
}

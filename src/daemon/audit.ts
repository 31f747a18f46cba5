import { AuditLog } from '../audit/audit-log.ts';
import type { StateDirectory } from '../cli/state-directory/state-directory.ts';
import type { Config } from '../config/index.ts';
import type { Logger } from '../watch/log.ts';
import type { Metrics } from '../watch/metrics.ts';

/** What the audit log of a daemon is made of. */
interface AuditContext {
  readonly stateDirectory: StateDirectory;
  readonly config: Pick<Config, 'audit'>;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'audit'>;
}

/**
 * Opens the audit log of the daemon; undefined where the operator wants none.
 * @throws the system's error, with `code` and `path`, when the journal cannot be read
 */
export function openAuditLog(context: AuditContext, node: string): AuditLog | undefined {
  const { stateDirectory, config, log, metrics } = context;
  const { enabled, strict, names, onFailure } = config.audit;
  if (!enabled) return undefined;
  const audit = new AuditLog({
    ...{ directory: stateDirectory.audit, node, hasNames: names, isStrict: strict, onFailure },
    observer: {
      failed(reason) {
        metrics.audit.failed(true);
        const consequence = onFailure === 'refuse' ? 'requests are refused' : 'requests are not recorded';
        log.error({ reason }, `the audit log cannot be written: ${consequence}`);
      },
      recovered(lost) {
        metrics.audit.failed(false);
        log.warn({ lost }, 'the audit log can be written again');
      },
      damaged: (event) => log.error(event, 'lines of the audit journal are damaged, and were passed over'),
    },
  });
  metrics.audit.watchJournal(() => audit.pending);
  return audit;
}

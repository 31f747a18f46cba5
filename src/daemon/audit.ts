import { AuditLog } from '../audit/audit-log.ts';
import { Checkpointer } from '../audit/checkpoints/checkpointer.ts';
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

/** The audit log of a daemon. */
export interface DaemonAudit {
  readonly log: AuditLog;
  /** Does nothing until it is started. */
  readonly checkpoints: Checkpointer;
}

/**
 * Opens the audit log of the daemon; undefined where the operator wants none.
 * @throws the system's error, with `code` and `path`, when the journal cannot be read
 */
export function openAuditLog(context: AuditContext, node: string): DaemonAudit | undefined {
  const { stateDirectory, config, log, metrics } = context;
  const { enabled, strict, names, onFailure } = config.audit;
  if (!enabled) return undefined;
  const directory = stateDirectory.audit;
  const checkpoints = new Checkpointer({
    ...{ directory, node, record: (item) => audit.record(item) },
    outlet: { acceptCheckpoint: (text) => audit.passCheckpoint(text) },
    observer: {
      failed(reason) {
        metrics.audit.checkpointsFailed(true);
        log.error({ reason }, 'no checkpoint of the audit log can be signed');
      },
      recovered() {
        metrics.audit.checkpointsFailed(false);
        log.warn('checkpoints of the audit log are signed again');
      },
      keyBegun({ fingerprint, problem }) {
        if (problem === undefined)
          log.info({ fingerprint }, 'checkpoints of the audit log are signed by a first key');
        else
          log.error(
            { fingerprint, reason: problem },
            'a new chain of signing keys has begun; kmipd audit verify says what it means',
          );
      },
    },
  });
  const audit = new AuditLog({
    ...{ directory, node, hasNames: names, isStrict: strict, onFailure },
    appended: (entries) => checkpoints.noteEntries(entries),
    closing: () => checkpoints.close(),
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
  return { log: audit, checkpoints };
}

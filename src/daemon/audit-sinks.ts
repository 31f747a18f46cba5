import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { AuditItem } from '../audit/audit.ts';
import { AuditSinks, type AuditSinksOptions } from '../audit/sinks/audit-sinks.ts';
import { createOutput } from '../audit/sinks/outputs/create-output.ts';
import { readBearerToken, readSecureContext } from '../audit/sinks/outputs/credential-files.ts';
import { findNodeName } from '../cli/state-directory/database-lanes.ts';
import type { AuditSinkSettings } from '../common/audit-sink-settings.ts';
import type { Logger } from '../watch/log.ts';
import type { Backends } from './backends.ts';
import { createDeliveredLog } from './delivered-log.ts';
import type { StartContext } from './start-context.ts';

/**
 * Starts the delivery of the audit log to the sinks of the configuration. They are closed with the daemon,
 * after the log, whose last entries they get too.
 */
export function startAuditSinks(
  { stateDirectory, config, log, metrics, closing }: StartContext,
  { audit, managedAudit }: Pick<Backends, 'audit' | 'managedAudit'>,
  version: string,
): AuditSinks {
  const delivered = createDeliveredLog(audit, managedAudit);
  const source = { node: findNodeName(stateDirectory) ?? 'unknown', hostName: hostname(), version };
  const sinks = new AuditSinks({
    file: join(stateDirectory.audit, 'sinks.json'),
    reader: delivered,
    createOutput: (settings) => createOutput(settings, source),
    observer: reportAuditSinks(log, (item) => delivered.record(item)),
  });
  metrics.audit.watchSinks(() => sinks.status());
  sinks.configure(config.auditSinks);
  audit?.deliverTo(sinks);
  closing.defer(async () => {
    await audit?.close();
    await sinks.close();
  });
  return sinks;
}

/**
 * Returns what logs each change of the state of a sink once, and records gaps and recoveries: what is
 * recorded reaches the sink itself too.
 */
export function reportAuditSinks(
  log: Pick<Logger, 'info' | 'warn' | 'error'>,
  record: (item: AuditItem) => void,
): AuditSinksOptions['observer'] {
  return {
    sinkFailed: ({ sink, reason }) =>
      log.error({ sink, reason }, 'an audit sink takes no entries; it is tried again'),
    sinkWorks: ({ sink }) => log.info({ sink }, 'the audit sink takes entries again'),
    sinkOverdue: ({ sink, since, reason, isServiceRefused }) =>
      log.error(
        { sink, since, reason },
        isServiceRefused
          ? 'an audit sink is behind: requests are refused until it has the entries that wait'
          : 'an audit sink is behind; requests are served all the same',
      ),
    sinkRecovered: ({ sink, since, entries }) => {
      log.info({ sink, since, entries }, 'the audit sink has the entries that waited');
      const details = { sink, since: since.toISOString(), entries };
      record({ operation: 'AuditSinkRecovered', result: 'Success', details });
    },
    sinkGap: ({ sink, chain, from, to }) => {
      log.error({ sink, chain, from, to }, 'an audit sink did not get these entries');
      const reason = 'the entries were given up before they could be delivered';
      record({
        ...{ operation: 'AuditSinkGap', result: 'OperationFailed', reason },
        details: { sink, chain, from, to },
      });
    },
    checkpointsDropped: ({ sink }) =>
      log.warn({ sink }, 'too many checkpoints wait for an audit sink: the oldest are dropped'),
    positionWrong: ({ sink, chain }) =>
      log.error(
        { sink, chain },
        'the position of an audit sink is beyond the end of the log: the whole chain is delivered again',
      ),
    cursorsUnusable: ({ file, reason }) =>
      log.error(
        { file, reason },
        'the positions of the audit sinks cannot be read: all that the log has is delivered again',
      ),
    cursorsNotSaved: ({ file, reason }) =>
      log.error(
        { file, reason },
        'the positions of the audit sinks cannot be written: entries may be delivered twice after a restart',
      ),
  };
}

/** Returns what would keep sinks from working, one line each; nothing is sent, and no file is created. */
export function inspectAuditSinks(sinks: readonly AuditSinkSettings[]): readonly string[] {
  return sinks.flatMap((sink) => {
    try {
      if (sink.type === 'file') statSync(dirname(sink.path));
      else readSecureContext(sink);
      if ('tokenFile' in sink && sink.tokenFile !== undefined) readBearerToken(sink.tokenFile).wipe();
      return [];
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const isMissing = sink.type === 'file' && code === 'ENOENT';
      return [`audit sink ${sink.name}: ${isMissing ? `${dirname(sink.path)} does not exist` : message}`];
    }
  });
}

import t from 'tap';
import type { AuditItem } from '../../../src/audit/audit.ts';
import { reportAuditSinks } from '../../../src/daemon/audit-sinks.ts';
import { createLog } from '../../../src/watch/log.ts';

t.test('changes of sinks are logged with their fields; gaps and recoveries are recorded', async (t) => {
  const lines: Record<string, unknown>[] = [];
  const records: AuditItem[] = [];
  const log = createLog('info', { write: (line) => void lines.push(JSON.parse(line)) });
  const report = reportAuditSinks(log, (item) => records.push(item));
  const since = new Date('2026-11-29T01:02:03Z');
  const overdue = { sink: 'siem', since, reason: 'no way' };
  report.sinkFailed({ sink: 'siem', reason: 'no way' });
  report.sinkWorks({ sink: 'siem' });
  report.sinkOverdue({ ...overdue, isServiceRefused: true });
  report.sinkOverdue({ ...overdue, isServiceRefused: false });
  report.sinkRecovered({ sink: 'siem', since, entries: 7 });
  report.sinkGap({ sink: 'siem', chain: 'c0ffee', from: 3, to: 9 });
  report.checkpointsDropped({ sink: 'siem' });
  report.positionWrong({ sink: 'siem', chain: 'c0ffee' });
  report.cursorsUnusable({ file: '/f', reason: 'torn' });
  report.cursorsNotSaved({ file: '/f', reason: 'full' });
  const time = since.toISOString();
  t.match(lines, [
    { level: 'error', sink: 'siem', reason: 'no way', msg: /takes no entries; it is tried again/ },
    { level: 'info', sink: 'siem', msg: /takes entries again/ },
    {
      level: 'error',
      sink: 'siem',
      since: time,
      reason: 'no way',
      msg: /behind: requests are refused until/,
    },
    { level: 'error', sink: 'siem', since: time, msg: /behind; requests are served all the same/ },
    { level: 'info', sink: 'siem', since: time, entries: 7, msg: /has the entries that waited/ },
    { level: 'error', sink: 'siem', chain: 'c0ffee', from: 3, to: 9, msg: /did not get these entries/ },
    { level: 'warn', sink: 'siem', msg: /too many checkpoints wait/ },
    { level: 'error', sink: 'siem', chain: 'c0ffee', msg: /beyond the end of the log/ },
    {
      level: 'error',
      file: '/f',
      reason: 'torn',
      msg: /cannot be read: all that the log has is delivered again/,
    },
    { level: 'error', file: '/f', reason: 'full', msg: /cannot be written/ },
  ]);
  t.same(records, [
    {
      ...{ operation: 'AuditSinkRecovered', result: 'Success' },
      details: { sink: 'siem', since: time, entries: 7 },
    },
    {
      ...{ operation: 'AuditSinkGap', result: 'OperationFailed' },
      reason: 'the entries were given up before they could be delivered',
      details: { sink: 'siem', chain: 'c0ffee', from: 3, to: 9 },
    },
  ]);
});

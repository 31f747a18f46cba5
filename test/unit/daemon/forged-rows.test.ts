import t from 'tap';
import { reportForgedRows } from '../../../src/daemon/forged-rows.ts';
import type { Logger } from '../../../src/watch/log.ts';

/** Alarms about rows that kmipd has not written. */

t.test('each row is counted, and named in the log once a minute', (t) => {
  const counts: string[] = [];
  const lines: [object, string][] = [];
  let now = 1_000_000;
  const report = reportForgedRows(
    { error: (fields: object, line: string) => lines.push([fields, line]) } as unknown as Logger,
    { forgedRow: (table) => counts.push(table) },
    () => now,
  );
  const problem = '2 are there, 3 were written';
  const rows = [
    { table: 'managed_object', id: 'a' },
    { table: 'managed_object', id: 'b' },
    { table: 'sealed_record', id: 'client 1', problem },
    { table: 'sealed_record', id: 'client 2', problem },
  ];
  for (const row of [...rows, ...rows]) report(row);
  t.equal(counts.length, 8);
  t.strictSame(
    lines.map(([fields]) => fields),
    [
      { table: 'managed_object', row: 'a' },
      { table: 'managed_object', row: 'b' },
      { table: 'sealed_record', row: 'client 1', reason: problem },
      { table: 'sealed_record', row: 'client 2', reason: problem },
    ],
  );
  t.match(lines[2]?.[1], /kmipd vault accept/);
  now += 60_000;
  for (const row of rows) report(row);
  t.equal(lines.length, 8);
  t.end();
});

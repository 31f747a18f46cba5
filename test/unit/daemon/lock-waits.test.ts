import t from 'tap';
import { logLockWaits } from '../../../src/daemon/lock-waits.ts';
import { createLog } from '../../../src/watch/log.ts';

t.test('each lock is logged once a minute, with its rows and the sessions that hold it', async (t) => {
  const written: string[] = [];
  let now = 0;
  const report = logLockWaits(
    createLog('warn', { write: (line: string) => void written.push(line) }),
    () => now,
  );
  const sessions = ['process 4711 of role admin, application psql\u001b[2J at 10.0.0.7'];
  report({ rows: ['object a', 'a record of kind ticket'], sessions });
  report({ rows: ['object a', 'a record of kind ticket'], sessions });
  report({ rows: [], sessions: [] });
  now = 60_000;
  report({ rows: ['object a', 'a record of kind ticket'], sessions });
  const named = {
    level: 'warn',
    object: 'object a, a record of kind ticket',
    by: /^process 4711 of role admin, application psql.*at 10\.0\.0\.7$/,
    msg: 'a commit waits for rows that another session of the database has locked',
  };
  const lines = written.map((line) => JSON.parse(line));
  t.match(lines, [named, { object: 'unknown', by: 'unknown' }, named]);
  t.equal(written.length, 3);
  t.notOk(lines[0].by.includes('\u001b'), 'nothing that moves a cursor');
});

import t from 'tap';
import { startPostgres } from '../store/embedded-postgres.ts';
import { checkMaintenance } from './check-maintenance.ts';
import { databaseOf } from './database.ts';
import { killRepeatedly } from './kill.ts';

// The processes take long on a loaded machine.
t.setTimeout(900_000);

const server = await startPostgres();
const missing = typeof server === 'string' ? server : false;
t.teardown(() => (typeof server === 'string' ? undefined : server.stop()));

/** A short run; `node test/faults/run.ts --store postgres` is the long one. */
t.test(
  'the daemon loses no acknowledged change on PostgreSQL when it is killed under writes',
  { skip: missing, timeout: 900_000 },
  async (t) => {
    if (typeof server === 'string') return;
    const report = await killRepeatedly({
      kills: 7,
      seed: 20261124,
      writers: 4,
      ...(await databaseOf(server)),
    });
    t.same(report.problems, []);
    t.equal(report.kills, 7);
    checkMaintenance(t, report);
    t.ok(report.ordered > 40, `${report.ordered} messages on shared objects came in a serial order`);
    t.ok(report.unanswered > 4, `${report.unanswered} were cut off`);
  },
);

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { startPostgres } from '../store/embedded-postgres.ts';
import { queryPostgres } from '../store/query-postgres.ts';
import { renewalSuite } from './renewal-suite.ts';
import { twoEpochsSuite } from './two-epochs-suite.ts';

const directory = await mkdtemp(join(tmpdir(), 'kmipd-renewal-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));

const server = await startPostgres();
if (typeof server !== 'string') t.teardown(() => server.stop());

for (const [what, suite] of [
  ['one process', renewalSuite],
  ['processes in different epochs', twoEpochsSuite],
] as const) {
  t.test(`${what}, SQLite`, (t) => {
    const file = join(directory, `${what}.db`);
    return suite(t, `sqlite:${file}`, async (sql) => {
      const database = new DatabaseSync(file);
      const rows = database.prepare(sql).all();
      database.close();
      return rows;
    });
  });

  t.test(`${what}, PostgreSQL`, { skip: typeof server === 'string' && server }, async (t) => {
    if (typeof server === 'string') return;
    const url = await server.fresh();
    await suite(t, url, (sql) => queryPostgres(url, sql), 'overriding system value');
  });
}

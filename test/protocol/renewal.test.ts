import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { startPostgres } from '../store/embedded-postgres.ts';
import { queryPostgres } from '../store/query-postgres.ts';
import { renewalSuite } from './renewal-suite.ts';

const directory = await mkdtemp(join(tmpdir(), 'kmipd-renewal-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));
const file = join(directory, 'kmipd.db');

const server = await startPostgres();
if (typeof server !== 'string') t.teardown(() => server.stop());

t.test('SQLite', (t) =>
  renewalSuite(t, `sqlite:${file}`, async (sql) => {
    const database = new DatabaseSync(file);
    const rows = database.prepare(sql).all();
    database.close();
    return rows;
  }),
);

t.test('PostgreSQL', { skip: typeof server === 'string' && server }, async (t) => {
  if (typeof server === 'string') return;
  const url = await server.fresh();
  await renewalSuite(t, url, (sql) => queryPostgres(url, sql));
});

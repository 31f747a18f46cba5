import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { startPostgres } from '../../store/embedded-postgres.ts';
import { queryPostgres } from '../../store/query-postgres.ts';
import { directValuesSuite } from './values-suite.ts';

const directory = await mkdtemp(join(tmpdir(), 'kmipd-direct-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));
const file = join(directory, 'kmipd.db');

const server = await startPostgres();
if (typeof server !== 'string') t.teardown(() => server.stop());

t.test('values in direct mode on SQLite', (t) =>
  directValuesSuite(t, `sqlite:${file}`, async (sql) => {
    const database = new DatabaseSync(file);
    database.exec(sql);
    database.close();
  }),
);

t.test('values in direct mode on PostgreSQL', { skip: typeof server === 'string' && server }, async (t) => {
  if (typeof server === 'string') return;
  const url = await server.fresh();
  await directValuesSuite(t, url, async (sql) => {
    await queryPostgres(url, sql);
  });
});

import t from 'tap';
import { openPostgres } from '../../src/store/postgres.ts';
import { startPostgres } from './embedded-postgres.ts';
import { rollbackSuite } from './rollback-suite.ts';

const server = await startPostgres();
if (typeof server === 'string') {
  t.test('PostgreSQL', { skip: server }, async () => {});
} else {
  t.teardown(() => server.stop());
  await rollbackSuite(t, { fresh: server.fresh, open: (url) => openPostgres(url) });
}

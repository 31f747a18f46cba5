import t from 'tap';
import { openPostgres } from '../../src/store/postgres.ts';
import { startPostgres } from './embedded-postgres.ts';
import { storeSuite } from './suite.ts';

const server = await startPostgres();
if (typeof server === 'string') {
  t.test('PostgreSQL', { skip: server }, async () => {});
} else {
  t.teardown(() => server.stop());
  await storeSuite(t, { fresh: server.fresh, open: openPostgres });
}

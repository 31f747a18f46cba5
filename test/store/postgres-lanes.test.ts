import t from 'tap';
import { openPostgres } from '../../src/store/postgres.ts';
import { startPostgres } from './embedded-postgres.ts';
import { laneSuite } from './lanes-suite.ts';

const server = await startPostgres();
if (typeof server === 'string') {
  t.test('PostgreSQL', { skip: server }, async () => {});
} else {
  t.teardown(() => server.stop());
  await laneSuite(t, { fresh: server.fresh, open: openPostgres });
}

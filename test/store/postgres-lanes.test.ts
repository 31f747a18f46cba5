import t from 'tap';
import { openPostgres } from '../../src/store/postgres.ts';
import { startPostgres } from './embedded-postgres.ts';
import { laneSuite } from './lanes-suite.ts';

const server = await startPostgres();
if (typeof server === 'string') {
  t.test('PostgreSQL', { skip: server }, async () => {});
} else {
  t.teardown(() => server.stop());
  const engine = { fresh: server.fresh, open: (url: string) => openPostgres(url) };
  await laneSuite(t, engine);
}

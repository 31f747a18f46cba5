import t from 'tap';
import { clientsSuite } from '../protocol/clients/clients-suite.ts';
import { startPostgres } from './embedded-postgres.ts';

/** The directory of clients where the database is a server. */
const server = await startPostgres();
if (typeof server === 'string') t.test('PostgreSQL', { skip: server }, async () => {});
else {
  t.teardown(() => server.stop());
  await clientsSuite(t, () => server.fresh());
}

import t from 'tap';
import { openPostgres } from '../../src/store/postgres.ts';
import { startPostgres } from '../store/embedded-postgres.ts';
import { auditMutationsSuite } from './audit-mutations-suite.ts';

const server = await startPostgres();
if (typeof server === 'string') {
  t.test('PostgreSQL', { skip: server }, async () => {});
} else {
  t.teardown(() => server.stop());
  await auditMutationsSuite(t, {
    fresh: server.fresh,
    open: (url) => openPostgres(url),
    overriding: 'overriding system value',
  });
}

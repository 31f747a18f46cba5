import t from 'tap';
import { openPostgres } from '../../src/store/postgres.ts';
import { startPostgres } from './embedded-postgres.ts';
import { withLanes } from './start-lanes.ts';
import { type Engine, storeSuite } from './suite.ts';

const server = await startPostgres();
if (typeof server === 'string') {
  t.test('PostgreSQL', { skip: server }, async () => {});
} else {
  t.teardown(() => server.stop());
  const open: Engine['open'] = async (url, options) => {
    const driver = await openPostgres(url, options);
    return options?.migrations === undefined ? withLanes(driver) : driver;
  };
  await storeSuite(t, { fresh: server.fresh, open });
}

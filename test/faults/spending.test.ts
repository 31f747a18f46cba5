import t from 'tap';
import { FaultyServer } from './server.ts';
import { spendAll } from './spending.ts';

t.test('64 clients on SQLite', { timeout: 120_000 }, async (t) => {
  const server = await FaultyServer.prepare();
  t.teardown(() => server.remove());
  await spendAll(t, [server]);
});

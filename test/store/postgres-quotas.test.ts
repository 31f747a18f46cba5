import t from 'tap';
import { openDatabase } from '../../src/store/open.ts';
import { openQuotas, quotaSuite } from '../protocol/quotas/quota-suite.ts';
import { createAesPayload2x } from '../protocol/service.ts';
import { startPostgres } from './embedded-postgres.ts';
import { startLanes } from './start-lanes.ts';

/** Quotas on PostgreSQL, also where two nodes commit at the same time. */
const server = await startPostgres();
if (typeof server === 'string') t.test('PostgreSQL', { skip: server }, async () => {});
else {
  t.teardown(() => server.stop());

  await quotaSuite(t, async () => ({ store: await server.fresh() }));

  await t.test('two nodes together make no more objects than the quota allows', async (t) => {
    const url = await server.fresh();
    const second = await openDatabase(url);
    t.teardown(() => second.close());
    let commits = 0;
    let isShared = false;
    const { service, quotas } = await openQuotas(t, {
      store: url,
      // Every second commit is that of the other node.
      interceptStore: (store) => ({
        ...store,
        commit: (unit) => (isShared && commits++ % 2 === 1 ? second.store : store).commit(unit),
      }),
    });
    await startLanes(second, service.vault);
    await quotas.set('g', 10);
    isShared = true;
    const item = { operation: 'Create', payload: createAesPayload2x() };
    const answers = await Promise.all(Array.from({ length: 40 }, () => service.batch('2.1', [item])));
    t.equal(answers.flat().filter(({ status }) => status === 'Success').length, 10);
    t.equal(await quotas.count('g'), 10);
    t.ok(commits > 20, 'by both');
  });
}

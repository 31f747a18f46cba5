import t from 'tap';
import { encode } from '../client.ts';
import { TestService } from '../protocol/service.ts';
import { checkFailure, writingBatch } from '../protocol/whole-message.ts';
import { startPostgres } from './embedded-postgres.ts';

const server = await startPostgres();
if (typeof server === 'string') {
  t.test('PostgreSQL', { skip: server }, async () => {});
} else {
  t.teardown(() => server.stop());

  t.test('each item is answered when the backends have ended', async (t) => {
    const url = await server.fresh();
    const name = new URL(url).pathname.slice(1);
    const service = await TestService.open({ store: url });
    t.teardown(() => service.close());
    const commit = service.store.commit.bind(service.store);
    service.store.commit = async (unit) => {
      await server.administer(`alter database ${name} with allow_connections false`);
      await server.administer(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
      );
      return commit(unit).finally(async () => {
        await server.administer(`alter database ${name} with allow_connections true`);
        // Calls fail at once until the pause after the last attempt to connect is over.
        while ((await service.store.ping().catch((error) => error)) !== undefined)
          await new Promise(setImmediate);
      });
    };
    for (const version of ['1.0', '1.4', '2.1'] as const) {
      const reasons = await checkFailure(t, service, version, encode(writingBatch(version)));
      t.same(reasons, ['GeneralFailure', 'GeneralFailure'], version);
    }
  });
}

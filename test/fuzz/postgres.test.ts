import t from 'tap';
import { startPostgres } from '../store/embedded-postgres.ts';
import { type Options, reportText } from './report.ts';
import { fuzzService } from './service.ts';
import { fuzzTls } from './tls.ts';

/** Short campaigns on PostgreSQL; `npm run fuzz -- --store postgres` is the long one. */

const server = await startPostgres();
if (typeof server === 'string') t.test('PostgreSQL', { skip: server }, async () => {});
else {
  t.teardown(() => server.stop());

  const campaigns = {
    'the service': fuzzService,
    'the service, as XML and JSON': (options: Options) => fuzzService(options, 'text'),
    'the daemon': fuzzTls,
  };
  for (const [what, fuzz] of Object.entries(campaigns))
    t.test(`mutated messages against ${what} on PostgreSQL`, { timeout: 120_000 }, async (t) => {
      const report = await fuzz({
        ...{ seed: 20261130, from: 1, count: 400, deadline: 30_000, maxProblems: 5 },
        store: await server.fresh(),
      });
      t.equal(report.problems.length, 0, reportText(report));
      t.ok(report.messages >= 400);
      t.ok((report.results.get('Success') ?? 0) > 20, 'enough of them are understood');
    });
}

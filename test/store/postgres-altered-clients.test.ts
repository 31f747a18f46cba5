import pg from 'pg';
import t from 'tap';
import { typeParsers } from '../../src/store/postgres-session.ts';
import { alteredClientsSuite, type OpenForeign } from '../protocol/clients/altered-clients-suite.ts';
import { alteredGrantsSuite } from '../protocol/grants/altered-grants-suite.ts';
import { alteredQuotasSuite } from '../protocol/quotas/altered-quotas-suite.ts';
import { startPostgres } from './embedded-postgres.ts';

const server = await startPostgres();
if (typeof server === 'string') t.test('PostgreSQL', { skip: server }, async () => {});
else {
  t.teardown(() => server.stop());

  const openForeign: OpenForeign = async (t) => {
    const store = await server.fresh();
    const client = new pg.Client({ connectionString: store, types: typeParsers });
    await client.connect();
    t.teardown(() => client.end());
    return {
      store,
      run: async (sql, ...parameters) => (await client.query(sql, [...parameters])).rows,
      async put(row) {
        await client.query('delete from sealed_record where key = $1 or seq = $2', [row.key, row.seq]);
        const names = Object.keys(row);
        await client.query(
          `insert into sealed_record (${names}) overriding system value
            values (${names.map((_, at) => `$${at + 1}`)})`,
          Object.values(row),
        );
      },
      async columns() {
        const { rows } = await client.query(
          "select column_name as name from information_schema.columns where table_name = 'sealed_record'",
        );
        return rows.map(({ name }) => String(name));
      },
    };
  };

  await alteredClientsSuite(t, openForeign);
  await alteredGrantsSuite(t, openForeign);
  await alteredQuotasSuite(t, openForeign);
}

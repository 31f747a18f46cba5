import pg from 'pg';
import t from 'tap';
import { alteredRowsSuite } from '../protocol/altered-rows-suite.ts';
import { TestService } from '../protocol/service.ts';
import { startPostgres } from './embedded-postgres.ts';

const server = await startPostgres();
if (typeof server === 'string') t.test('PostgreSQL', { skip: server }, async () => {});
else {
  const store = await server.fresh();
  const service = await TestService.open({ store });
  const client = new pg.Client({ connectionString: store });
  await client.connect();
  t.teardown(async () => {
    await client.end();
    await service.close();
    await server.stop();
  });

  await alteredRowsSuite(t, {
    service,
    async alter(sql, ...parameters) {
      const text = sql.replace('EMPTY', "bytea ''").replace('ZERO', "bytea '\\x00'");
      await client.query(text.replaceAll('?', '$'), [...parameters]);
    },
    async columnsOf(table) {
      const { rows } = await client.query(
        'select column_name as name from information_schema.columns where table_name = $1',
        [table],
      );
      return rows.map(({ name }) => String(name));
    },
  });
}

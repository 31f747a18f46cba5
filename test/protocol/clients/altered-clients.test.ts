import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { openDatabase } from '../../../src/store/open.ts';
import type { SqlRow } from '../../../src/store/sql-driver.ts';
import { alteredGrantsSuite } from '../grants/altered-grants-suite.ts';
import { alteredQuotasSuite } from '../quotas/altered-quotas-suite.ts';
import { alteredClientsSuite, type OpenForeign } from './altered-clients-suite.ts';

const openForeign: OpenForeign = async (t) => {
  const file = join(t.testdir(), 'kmipd.db');
  const store = `sqlite:${file}`;
  // The tables are there before another program opens the file.
  await (await openDatabase(store)).close();
  const database = new DatabaseSync(file);
  t.teardown(() => database.close());
  return {
    store,
    async run(sql, ...parameters) {
      const rows = database.prepare(sql.replaceAll('$', '?')).all(...parameters) as SqlRow[];
      // The reads of one turn see one moment.
      await setImmediate();
      return rows;
    },
    async put(row) {
      const names = Object.keys(row);
      database
        .prepare(`replace into sealed_record (${names}) values (${names.map(() => '?')})`)
        .run(...(Object.values(row) as SQLInputValue[]));
      await setImmediate();
    },
    columns: async () =>
      database
        .prepare("select name from pragma_table_info('sealed_record')")
        .all()
        .map(({ name }) => String(name)),
  };
};

await alteredClientsSuite(t, openForeign);
await alteredGrantsSuite(t, openForeign);
await alteredQuotasSuite(t, openForeign);

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { alteredRowsSuite } from './altered-rows-suite.ts';
import { TestService } from './service.ts';

const directory = await mkdtemp(join(tmpdir(), 'kmipd-altered-'));
const file = join(directory, 'kmipd.db');
const service = await TestService.open({ store: `sqlite:${file}` });
const database = new DatabaseSync(file);
t.teardown(async () => {
  database.close();
  await service.close();
  await rm(directory, { recursive: true });
});

await alteredRowsSuite(t, {
  service,
  async alter(sql, ...parameters) {
    const text = sql
      .replace('EMPTY', "x''")
      .replace(/box = (.*ZERO.*) where/, 'box = cast($1 as blob) where');
    database.prepare(text.replace('ZERO', "x'00'")).run(...parameters);
    // The reads of one turn see one moment.
    await setImmediate();
  },
  columnsOf: async (table) =>
    database
      .prepare('select name from pragma_table_info(?)')
      .all(table)
      .map(({ name }) => String(name)),
});

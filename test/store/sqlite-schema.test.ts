import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { openSqlite } from '../../src/store/sqlite.ts';

const directory = mkdtempSync(join(tmpdir(), 'kmipd-schema-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

const changes: Readonly<Record<string, string>> = {
  'an index that has not all rows':
    'drop index sealed_record_by_kind; create index sealed_record_by_kind on sealed_record (kind, seq) where 1 = 0',
  'a missing index': 'drop index managed_object_by_group',
  'a further index': 'create index more on managed_object (id)',
  'a trigger': 'create trigger again after update on managed_object begin delete from lane; end',
  'a view in place of a table': 'alter table lane rename to old; create view lane as select * from old',
};

t.test('a database with other tables or indexes is refused, at the start and while it is open', async (t) => {
  for (const [what, sql] of Object.entries(changes)) {
    const file = join(directory, `${what.replaceAll(' ', '-')}.db`);
    const driver = await openSqlite(file);
    const other = new DatabaseSync(file, { defensive: false } as object);
    other.exec(sql);
    other.close();
    const problem = /^the tables of sqlite:.* were changed by another program: .*; restore the database/;
    await t.rejects(openSqlite(file), problem, what);
    let error: unknown;
    while (error === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      await driver.read('select 1', []).catch((found: unknown) => {
        error = found;
      });
    }
    t.match(error, { code: 'STORE_UNAVAILABLE', message: problem }, `${what}: while it is open`);
    await t.rejects(driver.commit({ objects: [], changes: [], steps: [] }), problem);
    await driver.close();
  }
});

t.test(
  'a changed text of the schema, which open connections do not see, is refused at the start',
  async (t) => {
    const file = join(directory, 'text.db');
    await (await openSqlite(file)).close();
    const other = new DatabaseSync(file, { defensive: false } as object);
    other.exec(
      `pragma writable_schema = on;
     update sqlite_schema set sql = sql || ' where kind > 1' where name = 'sealed_record_by_kind'`,
    );
    other.close();
    await t.rejects(openSqlite(file), /index sealed_record_by_kind is missing or another one/);
  },
);

t.test('what others keep beside the tables is no problem', async (t) => {
  const file = join(directory, 'beside.db');
  await (await openSqlite(file)).close();
  const other = new DatabaseSync(file);
  other.exec(
    'create table notes (text text); create view counts as select count(*) from managed_object; analyze; vacuum',
  );
  other.close();
  await (await openSqlite(file)).close();
  t.pass('it opens');
});

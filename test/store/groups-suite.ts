import type { Test } from 'tap';
import type { SqlDriver } from '../../src/store/sql-driver.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import { add, object, unit } from './objects.ts';

/** Tests that a group's reads do not touch the rows of another one, for every engine. */
export async function groupSuite(t: Test, open: (t: Test) => Promise<SqlDriver>): Promise<void> {
  await t.test('the row of another group is read no more than one that does not exist', async (t) => {
    const driver = await open(t);
    const read: string[] = [];
    const counting: SqlDriver = {
      ...driver,
      async read(sql, parameters) {
        const rows = await driver.read(sql, parameters);
        read.push(`${sql} with ${parameters.length} parameters: ${rows.length} rows`);
        return rows;
      },
    };
    const store = createSqlStore(counting);
    await add(store, object('theirs', { group: 'red' }), object('own'));
    const reads = async (...ids: string[]) => {
      read.length = 0;
      const found = await store.load('blue', ids);
      return { ids: found.map(({ id }) => id), read: read.slice() };
    };
    t.strictSame((await reads('own')).ids, ['own']);
    t.strictSame(await reads('theirs'), await reads('absent'));
    t.match((await reads('theirs')).read, [/grp = .*: 0 rows$/], 'the query names the group');
    t.strictSame(await reads('own', 'theirs'), await reads('own', 'absent'));
    t.strictSame(
      [await store.groupOf('own'), await store.groupOf('theirs'), await store.groupOf('absent')],
      ['blue', 'red', undefined],
    );
  });

  await t.test('the object of another group is no reason for a conflict', async (t) => {
    const store = createSqlStore(await open(t));
    await add(store, object('theirs', { group: 'red' }));
    for (const id of ['theirs', 'absent']) {
      const expects = [{ id, group: 'blue', version: 0 }];
      t.equal(await store.commit(unit({ expects, inserts: [object(`beside ${id}`)] })), 'committed', id);
      const stale = [{ id, group: 'blue', version: 1 }];
      t.equal(await store.commit(unit({ expects: stale })), 'conflict', id);
    }
    t.equal(await store.commit(unit({ expects: [{ id: 'theirs', group: 'red', version: 0 }] })), 'conflict');
    t.equal(await store.commit(unit({ inserts: [object('theirs')] })), 'conflict', 'an identifier is taken');
    t.equal((await store.load('red', ['theirs']))[0]?.version, 1);
  });

  await t.test('an object is found by an index over group and identifier', async (t) => {
    const driver = await open(t);
    const isPostgres = driver.dialect.blob === 'bytea';
    const [index] = await driver.read(
      isPostgres
        ? `select indexdef as definition from pg_indexes where indexname = 'managed_object_by_id'`
        : `select sql as definition from sqlite_schema where name = 'managed_object_by_id'`,
      [],
    );
    t.match(index?.definition, /unique index .*\(grp, id\)/i);
    if (isPostgres) return;
    let sql = '';
    const store = createSqlStore({
      ...driver,
      read: async (text) => {
        sql = text;
        return [];
      },
    });
    for (const ids of [['one'], ['one', 'two']]) {
      await store.load('blue', ids);
      const [step] = await driver.read(`explain query plan ${sql.replaceAll(/\$\d+/g, "'x'")}`, []);
      t.match(step?.detail, /USING INDEX managed_object_by_id \(grp=\? AND id=\?\)/);
    }
  });
}

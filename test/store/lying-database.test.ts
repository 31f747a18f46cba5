import t from 'tap';
import type { SqlDriver, SqlRow } from '../../src/store/sql-driver.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';

/** A database that answers with rows that were not asked for. */

const storeOf = (...rows: SqlRow[]) =>
  createSqlStore({ searchSlots: 1, read: async () => rows } as unknown as SqlDriver);
const box = new Uint8Array(40);
const object = { id: 'b', grp: 'theirs', object_type: 'SymmetricKey', version: 1, box, value: null };
const record = { kind: 'theirs', key: 'b', grp: 'theirs', version: 1, expires: null, box };

t.test('objects are loaded as the group and the identifiers that were asked for', async (t) => {
  t.same(await storeOf(object).load('own', ['a']), []);
  const [found, ...others] = await storeOf({ ...object, id: 'a' }, object).load('own', ['a']);
  t.match(found, { id: 'a', group: 'own' }, 'whose row does not open as one of this group');
  t.same(others, []);
});

t.test('a record has the name that was asked for', async (t) => {
  t.match(await storeOf(record).record('own', 'a'), { kind: 'own', key: 'a' });
});

t.test('records are listed as the kind and group that were asked for', async (t) => {
  const asked = { kind: 'own', limit: 9 };
  t.match(await storeOf(record).records(asked), [{ kind: 'own', group: 'theirs', key: 'b' }]);
  t.match(await storeOf(record).records({ ...asked, group: 'g' }), [{ kind: 'own', group: 'g', key: 'b' }]);
});

import type { Test } from 'tap';
import type { SqlDriver } from '../../src/store/sql-driver.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import type { RecordChanges, Store } from '../../src/store/store.ts';
import { boxTag } from '../../src/vault/vault.ts';
import { add, box, object, record, storedRecord, unit } from './objects.ts';

/** Tests of records, for every engine. */
export async function recordSuite(
  t: Test,
  openStore: (t: Test) => Promise<{ driver: SqlDriver; store: Store }>,
): Promise<void> {
  const change = (store: Store, changes: Partial<RecordChanges>, more: Parameters<typeof unit>[0] = {}) =>
    store.commit(unit({ ...more, records: { expects: [], puts: [], removals: [], ...changes } }));

  const keyOf = (id: string) => storedRecord(id).key;

  await t.test('a record is read as it was stored', async (t) => {
    const { store } = await openStore(t);
    const parts = { group: 'g\u0000', expires: 4_102_444_800, box: box(...Array(3000).keys()) };
    const strange = 'ü/ \u0000\u001a0"\'$1';
    const same = { kind: 'other', box: box() };
    const puts = [record('a'), record(strange, parts), record('a', same)];
    t.equal(await change(store, { puts }), 'committed');
    t.strictSame(await store.record('note', keyOf('a')), storedRecord('a'));
    t.strictSame(await store.record('note', keyOf(strange)), storedRecord(strange, parts));
    const other = storedRecord('a', same);
    t.strictSame(await store.record('other', other.key), other);
    t.equal(await store.record('note', other.key), undefined, 'a key of another kind');
    t.equal(await store.record('note', keyOf('absent')), undefined);
  });

  await t.test('records are listed oldest first, of one group or of all groups', async (t) => {
    const { store } = await openStore(t);
    for (const id of ['c', 'a', 'b'])
      await change(store, { puts: [record(id), record(`red-${id}`, { group: 'red' })] });
    await change(store, { puts: [record('x', { kind: 'other' }), record('old', { expires: 100 })] });
    const ids = async (query: Parameters<Store['records']>[0]) =>
      (await store.records(query)).map(({ key }) => key.replace('key of note ', ''));
    t.strictSame(await ids({ kind: 'note', group: 'blue', limit: 9 }), ['c', 'a', 'b', 'old']);
    t.strictSame(await ids({ kind: 'note', group: 'blue', limit: 2 }), ['c', 'a']);
    t.strictSame(await ids({ kind: 'note', group: 'blue', limit: 9, at: 99 }), ['c', 'a', 'b', 'old']);
    t.strictSame(await ids({ kind: 'note', group: 'blue', limit: 9, at: 100 }), ['c', 'a', 'b']);
    t.strictSame(await ids({ kind: 'note', limit: 5, at: 100 }), ['c', 'red-c', 'a', 'red-a', 'b']);
    await change(store, { puts: [record('c', { version: 2 })] });
    t.strictSame(await ids({ kind: 'note', group: 'blue', limit: 1 }), ['c'], 'an update keeps its place');
  });

  await t.test('a long list is read in pages, the first one with the other reads', async (t) => {
    const { driver, store } = await openStore(t);
    const ids = Array.from({ length: 600 }, (_, at) => `many-${at}`);
    await change(store, { puts: ids.map((id) => record(id)) });
    const pages: string[] = [];
    const counting: SqlDriver = {
      ...driver,
      counts: driver.counts,
      async read(sql, parameters) {
        const rows = await driver.read(sql, parameters);
        pages.push(`${rows.length} read`);
        return rows;
      },
      async search(sql, parameters) {
        const rows = await driver.search(sql, parameters);
        pages.push(`${rows.length} searched`);
        return rows;
      },
    };
    const list = async (limit: number, group?: string) => {
      pages.length = 0;
      const query = { kind: 'note', limit, ...(group !== undefined && { group }) };
      return (await createSqlStore(counting).records(query)).map(({ key }) => key);
    };
    const all = ids.map(keyOf);
    t.strictSame(await list(1_000_000), all);
    t.strictSame(pages, ['256 read', '256 searched', '88 searched']);
    t.strictSame(await list(512, 'blue'), all.slice(0, 512));
    t.strictSame(pages, ['256 read', '256 searched']);
    t.strictSame(await list(200), all.slice(0, 200));
    t.strictSame(pages, ['200 read']);
  });

  await t.test('a unit conflicts when a record does not have the expected version', async (t) => {
    const { store } = await openStore(t);
    await change(store, { puts: [record('a'), record('b')] });
    const name = { kind: 'note', key: keyOf('a') };
    const removed = (more: { readonly key?: string; readonly version: number }) => ({
      ...{ ...name, tag: boxTag(box(1)), ...more },
    });
    const cases: readonly [string, Partial<RecordChanges>, 'committed' | 'conflict'][] = [
      ['the version it read', { expects: [{ ...name, version: 1 }] }, 'committed'],
      ['another version', { expects: [{ ...name, version: 2 }] }, 'conflict'],
      ['absent as expected', { expects: [{ ...name, key: 'x', version: 0 }] }, 'committed'],
      ['present, not absent', { expects: [{ ...name, version: 0 }] }, 'conflict'],
      ['not there', { expects: [{ ...name, key: 'x', version: 1 }] }, 'conflict'],
      ['of another kind', { expects: [{ ...name, kind: 'other', version: 1 }] }, 'conflict'],
      ['inserted twice', { puts: [record('a')] }, 'conflict'],
      ['update of nothing', { puts: [record('x', { version: 2 })] }, 'conflict'],
      ['update that skips a version', { puts: [record('a', { version: 3 })] }, 'conflict'],
      ['update in another group', { puts: [record('a', { version: 2, group: 'red' })] }, 'conflict'],
      ['removal of another version', { removals: [removed({ version: 2 })] }, 'conflict'],
      ['removal of nothing', { removals: [removed({ key: 'x', version: 1 })] }, 'conflict'],
      [
        'a good insertion beside a stale removal',
        { puts: [record('c')], removals: [removed({ version: 7 })] },
        'conflict',
      ],
      [
        'the next version',
        { expects: [{ ...name, version: 1 }], puts: [record('a', { version: 2 })] },
        'committed',
      ],
      [
        'removed and put anew, for another group',
        { removals: [removed({ version: 2 })], puts: [record('a', { group: 'red' })] },
        'committed',
      ],
      ['removal', { removals: [removed({ version: 1 })] }, 'committed'],
      ['removal again', { removals: [removed({ version: 1 })] }, 'conflict'],
      ['nothing at all', {}, 'committed'],
    ];
    for (const [name, changes, expected] of cases) t.equal(await change(store, changes), expected, name);
    t.equal(await store.record('note', keyOf('c')), undefined);
    t.equal(await store.record('note', keyOf('a')), undefined);
  });

  await t.test('records and objects of a unit are written together or not at all', async (t) => {
    const { store } = await openStore(t);
    await add(store, object('here'));
    const both = (id: string, version: number) =>
      change(
        store,
        { puts: [record(id)] },
        { inserts: [object(id)], expects: [{ group: 'blue', id: 'here', version }] },
      );
    t.equal(await both('no', 2), 'conflict');
    t.strictSame(
      [await store.load('blue', ['no']), await store.record('note', keyOf('no'))],
      [[], undefined],
    );
    t.equal(await both('yes', 1), 'committed');
    t.equal((await store.load('blue', ['yes'])).length, 1);
    t.ok(await store.record('note', keyOf('yes')));
    t.equal(await change(store, { puts: [record('yes')] }, { inserts: [object('late')] }), 'conflict');
    t.strictSame(await store.load('blue', ['late']), []);
  });

  await t.test('one unit wins when many write the same record', async (t) => {
    const { store } = await openStore(t);
    await change(store, { puts: [record('a')] });
    const results = await Promise.all(
      Array.from({ length: 64 }, (_, at) =>
        at % 2 === 0
          ? change(store, { puts: [record('a', { version: 2, box: box(at) }), record(`beside-${at}`)] })
          : change(store, { puts: [record('new'), record(`beside-${at}`)] }),
      ),
    );
    const winners = results.flatMap((result, at) => (result === 'committed' ? [at] : []));
    t.equal(winners.length, 2, 'one of each');
    t.strictSame(
      (await store.record('note', keyOf('a')))?.box,
      box(winners.find((at) => at % 2 === 0) ?? -1),
    );
    const all = await store.records({ kind: 'note', limit: 99 });
    t.equal(all.length, 4);
    const others = await store.records({ kind: 'note', limit: 99, after: all[1]?.seq ?? 0 });
    t.same(others, all.slice(2));
  });

  await t.test('deleteExpired deletes expired records that are genuine', async (t) => {
    const { store } = await openStore(t);
    const puts = Array.from({ length: 300 }, (_, at) => record(`old-${at}`, { expires: at }));
    await change(store, { puts: [...puts, record('later', { expires: 1_000 }), record('never')] });
    const left = async () => (await store.records({ kind: 'note', limit: 999 })).length;
    await store.deleteExpired(-1, () => true);
    t.equal(await left(), 302);
    await store.deleteExpired(9, () => true);
    t.equal(await left(), 292);
    await store.deleteExpired(999, ({ expires }) => (expires ?? 0) % 2 === 0);
    t.equal(await left(), 147, 'neither keeps the other from being looked at');
    await store.deleteExpired(999, () => true);
    t.strictSame(
      (await store.records({ kind: 'note', limit: 9 })).map(({ key }) => key),
      ['later', 'never'].map(keyOf),
    );
  });

  await t.test('deleteExpired deletes at most 256 records with one unit', async (t) => {
    const { driver, store } = await openStore(t);
    const puts = Array.from({ length: 600 }, (_, at) => record(`old-${at}`, { expires: at }));
    await change(store, { puts });
    const sizes: number[] = [];
    const counting: SqlDriver = {
      ...driver,
      counts: driver.counts,
      commit(unit) {
        sizes.push(unit.changes.length);
        return driver.commit(unit);
      },
    };
    await createSqlStore(counting).deleteExpired(999, () => true);
    t.strictSame(sizes, [256, 256, 88]);
    t.strictSame(await store.records({ kind: 'note', limit: 9 }), []);
  });
}

import type { Test } from 'tap';
import type { SqlDriver, WrittenRow } from '../../src/store/sql-driver.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import { boxTag } from '../../src/vault/vault.ts';
import { add, box, object, record, unit } from './objects.ts';

/** Tests that a unit names every change of a sealed row, for every engine. */
export async function changesSuite(
  t: Test,
  open: (t: Test) => Promise<{ readonly driver: SqlDriver }>,
): Promise<void> {
  await t.test('a unit names the version and tag of each row before and after it', async (t) => {
    const { driver } = await open(t);
    const changes: WrittenRow[] = [];
    const store = createSqlStore({
      ...driver,
      commit: (unit) => {
        changes.push(...unit.changes);
        return driver.commit(unit);
      },
    });
    const tag = (byte: number) => boxTag(box(byte));
    const taken = () => changes.splice(0);
    const row = (table: WrittenRow['table'], id: string, before: number | null, after: number | null) => ({
      ...(table === 'sealed_record' ? { table, id, kind: 'note' } : { table, id }),
      before: before === null ? null : { version: before, tag: tag(before) },
      after: after === null ? null : { version: after, tag: tag(after) },
    });
    await add(store, object('a'), object('b', { value: box(9) }));
    t.strictSame(taken(), [row('managed_object', 'a', null, 1), row('managed_object', 'b', null, 1)]);
    await store.commit(unit({ updates: [object('a', { version: 2 })] }));
    t.strictSame(taken(), [row('managed_object', 'a', 1, 2)]);

    const key = (id: string) => record(id).key;
    const replaced = { ...record('r', { version: 2, box: box(2) }), replacedTag: tag(1) };
    const removal = { kind: 'note', key: key('r'), version: 2, tag: tag(2) };
    for (const [records, expected] of [
      [{ puts: [record('r')] }, [row('sealed_record', key('r'), null, 1)]],
      [{ puts: [replaced] }, [row('sealed_record', key('r'), 1, 2)]],
      [
        { removals: [removal], puts: [record('r', { expires: 5 })] },
        [row('sealed_record', key('r'), 2, null), row('sealed_record', key('r'), null, 1)],
      ],
      [{ expects: [{ kind: 'note', key: key('r'), version: 1 }] }, []],
    ] as const) {
      const unitRecords = { expects: [], puts: [], removals: [], ...records };
      t.equal(await store.commit(unit({ records: unitRecords })), 'committed');
      t.strictSame(taken(), expected);
    }
    await store.deleteExpired(9, () => true);
    t.strictSame(taken(), [row('sealed_record', key('r'), 1, null)], 'an expired record');
    await store.ping();
    t.strictSame(taken(), []);
  });

  await t.test('an expired record that was renewed meanwhile is neither deleted nor named', async (t) => {
    const { driver } = await open(t);
    let renew = async () => {};
    const changes: WrittenRow[] = [];
    const store = createSqlStore({
      ...driver,
      async read(sql, parameters) {
        const rows = await driver.read(sql, parameters);
        await renew();
        return rows;
      },
      async commit(unit) {
        const result = await driver.commit(unit);
        if (result === 'committed') changes.push(...unit.changes);
        return result;
      },
    });
    const put = (...puts: ReturnType<typeof record>[]) =>
      createSqlStore(driver).commit(unit({ records: { expects: [], puts, removals: [] } }));
    await put(record('old', { expires: 5 }), record('renewed', { expires: 5 }));
    renew = async () => {
      renew = async () => {};
      await put(record('renewed', { version: 2, expires: 500 }));
    };
    await store.deleteExpired(9, () => true);
    t.strictSame(changes, []);
    await store.deleteExpired(9, () => true);
    t.strictSame(
      changes.map(({ id }) => id),
      [record('old').key],
    );
    t.equal((await store.record('note', record('renewed').key))?.version, 2);
  });
}

import { setImmediate } from 'node:timers/promises';
import type { Test } from 'tap';
import { createSnapshot } from '../../src/store/snapshot.ts';
import type { SqlDriver } from '../../src/store/sql-driver.ts';
import type { Store } from '../../src/store/store.ts';
import { add, object, unit } from './objects.ts';

/** Tests of snapshots, for every engine. */
export async function snapshotSuite(
  t: Test,
  open: (t: Test) => Promise<{ driver: SqlDriver; store: Store }>,
): Promise<void> {
  await t.test('reads of a snapshot at the same time get their own rows, without a warning', async (t) => {
    const warnings: string[] = [];
    const warn = ({ message }: Error) => warnings.push(message);
    process.on('warning', warn);
    t.teardown(() => process.off('warning', warn));
    const { driver } = await open(t);
    const numbers = Array.from({ length: 20 }, (_, at) => at);
    const rows = await driver.snapshot((read) =>
      Promise.all(numbers.map((number) => read(`select ${number} as number where $1 = $1`, [1]))),
    );
    t.strictSame(
      rows.map(([row]) => Number(row?.number)),
      numbers,
    );
    await setImmediate();
    t.strictSame(warnings, []);
  });

  await t.test('a read that fails leaves the others of a snapshot', async (t) => {
    const { driver } = await open(t);
    const results = await driver
      .snapshot((read) => {
        const statements = ['select 1 as number', 'select none', 'select 2 as number'];
        return Promise.allSettled(statements.map((sql) => read(sql, [])));
      })
      .then((settled) => settled.map(({ status }) => status));
    t.strictSame(results, ['fulfilled', 'rejected', 'fulfilled']);
  });

  await t.test('a snapshot shows one moment, page by page', async (t) => {
    const { driver, store } = await open(t);
    const ids = Array.from({ length: 150 }, (_, at) => `id-${at}`);
    await add(store, ...ids.map((id) => object(id)));
    const found = await driver.snapshot(async (read) => {
      const snapshot = createSnapshot(read, driver.dialect);
      const rows = [];
      for (let page = await snapshot.objects(0); page.length > 0; ) {
        rows.push(...page.map(({ id, seq, version }) => ({ id, seq, version })));
        if (rows.length === page.length)
          t.equal(await store.commit(unit({ updates: [object('id-149', { version: 2 })] })), 'committed');
        page = await snapshot.objects(rows.at(-1)?.seq ?? 0);
      }
      const numbers = await snapshot.find('blue', ['id-3', 'id-149', 'absent']);
      return { rows, numbers, others: await snapshot.find('red', ['id-3']) };
    });
    t.strictSame(
      found.rows.map(({ id, version }) => `${id} ${version}`),
      ids.map((id) => `${id} 1`),
    );
    const seqOf = (id: string) => found.rows.find((row) => row.id === id)?.seq;
    const expected = ['id-3', 'id-149'].map((id) => ({ id, seq: seqOf(id) }));
    t.strictSame(
      found.numbers.toSorted((a, b) => a.seq - b.seq),
      expected,
    );
    t.strictSame(found.others, []);
  });
}

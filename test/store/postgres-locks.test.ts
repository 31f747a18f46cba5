import pg from 'pg';
import t, { type Test } from 'tap';
import { openPostgres } from '../../src/store/postgres.ts';
import type { SqlUnit } from '../../src/store/sql-driver.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import type { LockWait, StoreUnit } from '../../src/store/store.ts';
import { startPostgres } from './embedded-postgres.ts';
import { add, object, record, unit } from './objects.ts';
import { withLanes } from './start-lanes.ts';

/** Rows and tables that an application beside kmipd has locked. */

const server = await startPostgres();
if (typeof server === 'string') {
  t.test('PostgreSQL', { skip: server }, async () => {});
} else {
  t.teardown(() => server.stop());

  /** A store, a session of another application, and the waits that are reported. */
  const open = async (t: Test, lockAttempts?: number) => {
    const url = await server.fresh();
    const waits: LockWait[] = [];
    const reported = Promise.withResolvers<LockWait>();
    const driver = await openPostgres(url, {
      ...(lockAttempts !== undefined && { lockAttempts }),
      lockWait: (wait) => {
        waits.push(wait);
        reported.resolve(wait);
      },
    });
    const other = new pg.Client({ connectionString: url, application_name: 'backup tool' });
    await other.connect();
    t.teardown(() => Promise.all([driver.close(), other.end()]));
    const store = createSqlStore(await withLanes(driver));
    const { rows } = await other.query('select pg_backend_pid() as pid');
    return { url, driver, other, store, waits, reported: reported.promise, pid: rows[0].pid as number };
  };
  const update = (id: string, version = 2) => unit({ updates: [object(id, { version })] });
  const putRecord = (version: number) =>
    unit({
      records: { expects: [], puts: [record('secret', { kind: 'ticket', version })], removals: [] },
    });

  const locks: Readonly<
    Record<string, { lock: string; blocked: () => StoreUnit; rows: readonly string[]; others: boolean }>
  > = {
    'an object': {
      lock: `select 1 from managed_object where id = 'a' for update`,
      blocked: () => update('a'),
      rows: ['object a'],
      others: true,
    },
    'an object, as foreign keys do': {
      lock: `select 1 from managed_object where id = 'a' for share`,
      blocked: () => update('a'),
      rows: ['object a'],
      others: true,
    },
    'a record': {
      lock: `select 1 from sealed_record where kind = 'ticket' for update`,
      blocked: () => putRecord(2),
      rows: ['a record of kind ticket'],
      others: true,
    },
    'an identifier that it inserts': {
      lock: `insert into managed_object (id, grp, object_type, version, box) values ('new', 'blue', 'SymmetricKey', 1, '')`,
      blocked: () => unit({ inserts: [object('new')] }),
      rows: [],
      others: true,
    },
    'all objects': {
      lock: 'lock table managed_object in exclusive mode',
      blocked: () => update('a'),
      rows: [],
      others: false,
    },
  };
  for (const [what, { lock, blocked, rows, others }] of Object.entries(locks)) {
    t.test(`a session locks ${what}: other units commit, this one fails and then succeeds`, async (t) => {
      const { store, other, waits, reported, pid } = await open(t);
      await add(store, object('a'), object('b'));
      t.equal(await store.commit(putRecord(1)), 'committed');
      await other.query('begin');
      await other.query(lock);
      const one = store.commit(blocked());
      one.catch(() => {});
      // The lock is held all the time.
      if (others) {
        const fifty = Array.from({ length: 50 }, (_, at) =>
          store.commit(unit({ inserts: [object(`other-${at}`)] })),
        );
        t.equal(await store.commit(update('b')), 'committed', 'of the same group');
        t.strictSame(new Set(await Promise.all(fifty)), new Set(['committed']));
        await reported;
        t.equal(await store.commit(update('b', 3)), 'committed', 'and of later ones');
      }
      await t.rejects(one, {
        name: 'StoreUnavailableError',
        message: `${rows[0] ?? 'a row'} is locked by another session of the database`,
      });
      t.strictSame(waits, [
        { rows, sessions: [`process ${pid} of role postgres, application backup tool at 127.0.0.1`] },
      ]);
      t.notMatch(JSON.stringify(waits), /secret|select|lock table/);
      await other.query('rollback');
      t.equal(await store.commit(blocked()), 'committed', 'once the lock has gone');
    });
  }

  t.test(
    'a unit commits as soon as its row is free, and units for the same rows in their order',
    async (t) => {
      const { store, other, reported } = await open(t, 1_000);
      await add(store, object('a'), object('b'));
      await other.query('begin');
      await other.query(`select 1 from managed_object where id = 'a' for update`);
      const first = store.commit(
        unit({ updates: [object('a', { version: 2 }), object('b', { version: 2 })] }),
      );
      await reported;
      // It would wait for the row of the first one, which is locked while that is tried.
      const second = store.commit(update('b', 2));
      await other.query('commit');
      t.strictSame([await first, await second], ['committed', 'conflict']);
      t.equal(await store.commit(update('b', 3)), 'committed');
    },
  );

  t.test('what another session has changed meanwhile is a conflict', async (t) => {
    const { store, other, reported } = await open(t, 1_000);
    await add(store, object('a'));
    await other.query('begin');
    await other.query(`update managed_object set version = 2 where id = 'a'`);
    const result = store.commit(update('a'));
    await reported;
    await other.query('commit');
    t.equal(await result, 'conflict');
    t.equal(await store.commit(update('a', 3)), 'committed');
  });

  t.test('closing waits for locked units and refuses new ones', async (t) => {
    const { driver, store, other, reported } = await open(t, 1_000);
    await add(store, object('a'));
    await other.query('begin');
    await other.query(`select 1 from managed_object where id = 'a' for update`);
    const waiting = store.commit(update('a'));
    await reported;
    const closed = driver.close();
    const step: SqlUnit = { objects: ['a'], changes: [], steps: [] };
    await t.rejects(driver.commit(step), { message: 'the store is closed' });
    await other.query('commit');
    t.equal(await waiting, 'committed');
    await closed;
  });
}

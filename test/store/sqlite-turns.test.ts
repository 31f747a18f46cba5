import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { createSqlStore } from '../../src/store/sql-store.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { add, object, unit } from './objects.ts';
import { withLanes } from './start-lanes.ts';

/** The reads of one turn of the event loop see one moment; what this process has committed, they see. */

const directory = await mkdtemp(join(tmpdir(), 'kmipd-turns-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));
const file = join(directory, 'kmipd.db');
const driver = await withLanes(await openSqlite(file));
t.teardown(() => driver.close());
const store = createSqlStore(driver);
const other = new DatabaseSync(file);
t.teardown(() => other.close());
await add(store, object('a'), object('b'));

const versions = async () => (await store.load('blue', ['a', 'b'])).map(({ version }) => version);
const update = (id: string) =>
  other.exec(`update managed_object set version = version + 1 where id = '${id}'`);

t.test('reads of one turn see one moment', async (t) => {
  await setImmediate();
  t.strictSame(await versions(), [1, 1]);
  update('a');
  t.strictSame(await versions(), [1, 1], 'the same turn');
  await setImmediate();
  t.strictSame(await versions(), [2, 1], 'the next one');
  update('a');
  const lanes = driver.lanes.check();
  t.strictSame(await versions(), [3, 1], 'a comparison of lanes sees what is committed by then');
  await lanes;
});

t.test('a read after a commit of this process sees it', async (t) => {
  for (let version = 2; version <= 40; version += 1) {
    let isDone = false;
    const committed = store.commit(unit({ updates: [object('b', { version })] }));
    const seen = committed.then(async (result) => {
      isDone = true;
      return [result, (await store.load('blue', ['b']))[0]?.version];
    });
    // Reads of other messages begin a transaction in every turn.
    for (; !isDone; await setImmediate()) await store.load('blue', ['a']);
    t.strictSame(await seen, ['committed', version]);
  }
});

t.test('a read after a search sees what it has seen', async (t) => {
  await setImmediate();
  await versions();
  // Reads of other messages begin a transaction in every turn, also in that in which the search is answered.
  let isDone = false;
  other.exec(
    "insert into managed_object (id, grp, object_type, version, box) values ('c', 'blue', '', 1, x'00')",
  );
  const found = driver.search("select id from managed_object where id = 'c'", []);
  const seen = found.then(async ([row]) => {
    isDone = true;
    return [row?.id, (await store.load('blue', ['c'])).length];
  });
  for (; !isDone; await setImmediate()) await store.load('blue', ['a']);
  t.strictSame(await seen, ['c', 1]);
});

t.test('a read that fails leaves the next ones', async (t) => {
  await t.rejects(driver.read('select none', []), /no such column/);
  t.strictSame(await versions(), [3, 40]);
  await setImmediate();
  t.strictSame(await versions(), [3, 40]);
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openDatabase } from '../../src/store/open.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { StoreUnavailableError } from '../../src/store/store.ts';
import { add, box, findAll, object, unit } from './objects.ts';
import { openWritable, withLanes } from './start-lanes.ts';

const directory = await mkdtemp(join(tmpdir(), 'kmipd-sqlite-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));
const big = box(...new Uint8Array(60_000).fill(7));

t.test('database files are readable by their owner only', async (t) => {
  const inside = join(directory, 'new', 'home');
  const { store, close } = await openWritable(`sqlite:${join(inside, 'kmipd.db')}`);
  await add(store, object('a'));
  const names = await readdir(inside);
  t.strictSame(names.toSorted(), ['kmipd.db', 'kmipd.db-shm', 'kmipd.db-wal']);
  for (const name of names) t.equal((await stat(join(inside, name))).mode & 0o777, 0o600, name);
  t.equal((await stat(inside)).mode & 0o777, 0o700);
  await close();
  t.strictSame(await readdir(inside), ['kmipd.db'], 'closing leaves one file');
});

t.test('the database is opened with durable commits and secure deletion', async (t) => {
  const file = join(directory, 'settings.db');
  const driver = await withLanes(await openSqlite(file));
  t.teardown(() => driver.close());
  const settings = { journal_mode: 'wal', synchronous: 2, secure_delete: 1, foreign_keys: 1, query_only: 1 };
  for (const [name, value] of Object.entries(settings))
    t.equal(Object.values((await driver.read(`pragma ${name}`, []))[0] ?? {})[0], value, name);
  await t.rejects(
    driver.read('delete from managed_object', []),
    /readonly|query_only|attempt to write/,
    'a reader cannot write',
  );
});

t.test('opening rejects with one line when the file is not a database', async (t) => {
  const file = join(directory, 'text.db');
  await writeFile(file, 'this is not a database, '.repeat(100));
  await t.rejects(openSqlite(file), {
    name: 'StoreUnavailableError',
    message: `cannot open the database ${file}: file is not a database`,
  });
  await t.rejects(openSqlite(directory), {
    name: 'StoreUnavailableError',
    message: /^cannot open the database .*: this is a directory, not a file; name a regular file instead$/,
  });
  await t.rejects(openDatabase('sqlite:'), /unknown store "sqlite:": use sqlite:FILE or postgres:/);
  await t.rejects(openDatabase('mysql://root:secret@host/x'), { message: /^((?!secret).)*$/ });
});

t.test('opening succeeds when several connections create the same database at once', async (t) => {
  const file = join(directory, 'race.db');
  const drivers = await Promise.all(Array.from({ length: 6 }, () => openSqlite(file).then(withLanes)));
  t.teardown(() => Promise.all(drivers.map((driver) => driver.close())));
  const results = await Promise.all(
    drivers.map((driver, at) => createSqlStore(driver).commit(unit({ inserts: [object(`o-${at}`)] }))),
  );
  t.strictSame(new Set(results), new Set(['committed']));
});

t.test('commits fail and nothing is lost when the disk is full', async (t) => {
  const driver = await withLanes(await openSqlite(join(directory, 'full.db'), { maxPages: 150 }));
  t.teardown(() => driver.close());
  const store = createSqlStore(driver);
  const acknowledged: string[] = [];
  let refused = 0;
  for (let at = 0; at < 40; at += 4) {
    const ids = Array.from({ length: 4 }, (_, more) => `big-${at + more}`);
    const results = await Promise.allSettled(ids.map((id) => add(store, object(id, { value: big }))));
    for (const [more, result] of results.entries()) {
      if (result.status === 'fulfilled') acknowledged.push(ids[more] ?? '');
      else {
        refused += 1;
        t.ok(result.reason instanceof StoreUnavailableError);
        t.match(result.reason.message, /^cannot write .*full\.db: database or disk is full$/);
      }
    }
  }
  t.ok(acknowledged.length > 0 && refused > 0, `${acknowledged.length} kept, ${refused} refused`);
  const all = await findAll(store, { all: [] }, { limit: 100 });
  t.strictSame(all.ids.toSorted(), acknowledged.toSorted(), 'exactly what was acknowledged is there');
  const [first] = acknowledged;
  const smaller = object(first ?? '', { version: 2, value: null });
  t.equal(await store.commit(unit({ updates: [smaller] })), 'committed', 'a smaller object can be written');
  await add(store, object('small'));
  await store.ping();
});

t.test('reads continue and no acknowledged commit is lost when a write fails', async (t) => {
  const file = join(directory, 'broken.db');
  // The limit is in blocks of 512 bytes; the signal of a write beyond it is caught, so that the write fails
  // with EFBIG.
  const script = new URL('./write-until-error.ts', import.meta.url).pathname;
  const child = spawn('sh', ['-c', 'ulimit -f 2000; exec "$0" "$1" "$2"', process.execPath, script, file]);
  t.teardown(() => child.kill());
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => t.comment(String(chunk)));
  const [code] = await once(child, 'close');
  t.equal(code, 0);
  const report = JSON.parse(output || '{}');
  t.match(
    report.first,
    /^StoreUnavailableError: cannot write .*broken\.db: disk I\/O error; restart kmipd when the disk works again$/,
  );
  t.match(report.later, /^StoreUnavailableError: cannot write .*restart/);
  t.match(report.ping, /^StoreUnavailableError/);
  t.equal(report.readable, true, 'reads continue');
  const { store, close } = await openWritable(`sqlite:${file}`);
  t.teardown(close);
  const found = await store.load('blue', report.acknowledged);
  t.equal(found.length, report.acknowledged.length);
  t.ok(found.length > 0);
  await add(store, object('after'));
});

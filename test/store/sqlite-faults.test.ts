import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { type Condition, compileWhere } from '../../src/store/filter.ts';
import { openStore } from '../../src/store/open.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { type Filter, type StoredObject, StoreUnavailableError } from '../../src/store/store.ts';
import { add, entry, object, sealed, unit } from './objects.ts';

const directory = await mkdtemp(join(tmpdir(), 'kmipd-sqlite-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));
const big = sealed(...new Uint8Array(60_000).fill(7));

t.test('database files are readable by their owner only', async (t) => {
  const inside = join(directory, 'new', 'home');
  const { store, close } = await openStore(`sqlite:${join(inside, 'kmipd.db')}`);
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
  const driver = await openSqlite(file);
  t.teardown(() => driver.close());
  const settings = { journal_mode: 'wal', synchronous: 2, secure_delete: 1, foreign_keys: 1, query_only: 1 };
  for (const [name, value] of Object.entries(settings))
    t.equal(Object.values((await driver.read(`pragma ${name}`, []))[0] ?? {})[0], value, name);
  await t.rejects(
    driver.read('delete from object', []),
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
    message: /^cannot open the database .*: this is a directory, not a file$/,
  });
  await t.rejects(openStore('sqlite:'), /unknown store "sqlite:": use sqlite:FILE or postgres:/);
  await t.rejects(openStore('mysql://root:secret@host/x'), { message: /^((?!secret).)*$/ });
});

t.test('opening succeeds when several connections create the same database at once', async (t) => {
  const file = join(directory, 'race.db');
  const drivers = await Promise.all(Array.from({ length: 6 }, () => openSqlite(file)));
  t.teardown(() => Promise.all(drivers.map((driver) => driver.close())));
  const results = await Promise.all(
    drivers.map((driver, at) => createSqlStore(driver).commit(unit({ inserts: [object(`o-${at}`)] }))),
  );
  t.strictSame(new Set(results), new Set(['committed']));
});

t.test('commits fail and nothing is lost when the disk is full', async (t) => {
  const driver = await openSqlite(join(directory, 'full.db'), { maxPages: 150 });
  t.teardown(() => driver.close());
  const store = createSqlStore(driver);
  const acknowledged: string[] = [];
  let refused = 0;
  for (let at = 0; at < 40; at += 4) {
    const ids = Array.from({ length: 4 }, (_, more) => `big-${at + more}`);
    const results = await Promise.allSettled(ids.map((id) => add(store, object(id, { sealed: big }))));
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
  const all = await store.find({ group: 'blue', filter: { all: [] }, offset: 0, limit: 100 });
  t.strictSame(all.ids.toSorted(), acknowledged.toSorted(), 'exactly what was acknowledged is there');
  const [first] = acknowledged;
  const smaller = object(first ?? '', { version: 2, sealed: null });
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
  const { store, close } = await openStore(`sqlite:${file}`);
  t.teardown(close);
  const found = await store.load('blue', report.acknowledged);
  t.equal(found.length, report.acknowledged.length);
  t.ok(found.length > 0);
  await add(store, object('after'));
});

t.test('find uses an index when there are a hundred thousand objects', async (t) => {
  const file = join(directory, 'large.db');
  const driver = await openSqlite(file);
  t.teardown(() => driver.close());
  const store = createSqlStore(driver);
  const many: StoredObject[] = Array.from({ length: 100_000 }, (_, at) =>
    object(`id-${at}`, {
      sealed: null,
      index: [
        entry('Name', `name-${at}`, 'NameValue'),
        entry('Name', 1, 'NameType'),
        entry('State', 2),
        entry('InitialDate', at),
      ],
    }),
  );
  for (let at = 0; at < many.length; at += 2_000) await add(store, ...many.slice(at, at + 2_000));

  const named = (value: string): Condition => ({
    attribute: 'Name',
    fields: [
      { field: 'NameType', op: '=', value: 1 },
      { field: 'NameValue', op: '=', value },
    ],
  });
  const active: Filter = { attribute: 'State', fields: [{ field: '', op: '=', value: 2 }] };
  const since = (value: number): Condition => ({
    attribute: 'InitialDate',
    fields: [{ field: '', op: '>=', value }],
  });
  const reader = new DatabaseSync(file, { readOnly: true });
  t.teardown(() => reader.close());
  const planOf = (filter: Condition, all: Filter) => {
    const { sql, parameters } = compileWhere('blue', all, filter);
    const text = `explain query plan select o.id from object o where ${sql} order by o.seq desc limit 10`;
    return reader
      .prepare(text.replaceAll(/\$(?=\d)/g, '?'))
      .all(...parameters)
      .map((row) => String(row.detail));
  };
  const start = named('name-777');
  for (const filter of [start, { all: [active, start] }, { all: [start, { not: since(900) }, active] }]) {
    const plan = planOf(start, filter);
    t.ok(
      plan.some((line) => line === 'SEARCH o USING INDEX object_by_group (grp=? AND seq=?)'),
      plan.join(' | '),
    );
    t.ok(
      plan.some((line) =>
        /SEARCH i USING COVERING INDEX object_index_by_text \(term=\? AND text=\?\)/.test(line),
      ),
    );
    t.notOk(
      plan.some((line) => line.startsWith('SCAN')),
      'no table is scanned',
    );
  }
  const tested = planOf(start, { all: [start, since(900), { not: since(900) }] });
  t.notOk(
    tested.some((line) => line.includes('number>')),
    'a given object is not tested by a scan of the range',
  );
  const ranged = planOf(since(99_990), since(99_990));
  t.ok(
    ranged.some((line) =>
      /SEARCH i USING COVERING INDEX object_index_by_number \(term=\? AND number>\?\)/.test(line),
    ),
  );

  const found = async (filter: Filter, offset = 0, limit = 10) => {
    const { ids, total } = await store.find({ group: 'blue', filter, offset, limit });
    return { ids, total };
  };
  t.strictSame(await found(named('name-777')), { ids: ['id-777'], total: 1 });
  t.strictSame(await found({ all: [active, named('name-778')] }), { ids: ['id-778'], total: 1 });
  t.strictSame(await found({ all: [active, since(99_998)] }), { ids: ['id-99999', 'id-99998'], total: 2 });
  t.strictSame(await found(active, 50_000, 2), { ids: ['id-49999', 'id-49998'], total: 100_000 });
  t.strictSame(await found({ all: [] }, 99_998, 10), { ids: ['id-1', 'id-0'], total: 100_000 });
  const searches: number[] = [];
  for (let at = 0; at < 200; at += 1) {
    const started = performance.now();
    await found({ all: [active, named(`name-${at * 400}`)] });
    searches.push(performance.now() - started);
  }
  // The median, because other processes may interrupt single searches.
  const search = searches.toSorted((a, b) => a - b)[100] ?? Number.POSITIVE_INFINITY;
  t.comment(`${search.toFixed(3)} ms for a search by name and state`);
  const scan = performance.now();
  await found({ not: named('name-1') }, 0, 1);
  t.ok(search < (performance.now() - scan) / 10, 'a search takes less than a tenth of a scan of the group');
});

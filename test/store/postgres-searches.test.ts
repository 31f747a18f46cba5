import { spawn } from 'node:child_process';
import pg from 'pg';
import t, { type Test } from 'tap';
import { asRefusal } from '../../src/protocol/batch/failure.ts';
import { openPostgres } from '../../src/store/postgres.ts';
import {
  type Candidates,
  type CompiledSql,
  compileCount,
  compilePage,
  compileRange,
} from '../../src/store/search/filter.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import type { Filter } from '../../src/store/store.ts';
import { startPostgres } from './embedded-postgres.ts';
import { add, object, unit } from './objects.ts';
import { withLanes } from './start-lanes.ts';

/** Searches have connections and a time of their own. */

const server = await startPostgres();
if (typeof server === 'string') {
  t.test('PostgreSQL', { skip: server }, async () => {});
} else {
  t.teardown(() => server.stop());

  /** Ends only when the observer unlocks. */
  const slowSearch = 'select 1 as one from pg_advisory_lock_shared(7)';

  const observe = async (t: Test, url: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    t.teardown(() => client.end());
    await client.query('select pg_advisory_lock(7)');
    const searching = async () => {
      const { rows } = await client.query(
        `select count(*)::int as searches from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows[0].searches as number;
    };
    return {
      unlock: () => client.query('select pg_advisory_unlock(7)'),
      async waitFor(searches: number) {
        while ((await searching()) !== searches);
      },
    };
  };

  t.test('twelve slow searches keep no point read and no commit from a connection', async (t) => {
    const url = await server.fresh();
    const driver = await withLanes(await openPostgres(url));
    t.teardown(() => driver.close());
    const store = createSqlStore(driver);
    await add(store, object('a'));
    const { unlock, waitFor } = await observe(t, url);
    let ended = 0;
    const searches = Array.from({ length: 12 }, async () => {
      const rows = await driver.search(slowSearch, []);
      ended += 1;
      return rows;
    });
    await waitFor(4);
    const reads = await Promise.all(Array.from({ length: 100 }, () => store.load('blue', ['a'])));
    t.strictSame(new Set(reads.map(({ length }) => length)), new Set([1]));
    t.equal(await store.commit(unit({ updates: [object('a', { version: 2 })] })), 'committed');
    await store.ping();
    t.equal(ended, 0, 'the searches go on meanwhile');
    await unlock();
    t.strictSame(new Set((await Promise.all(searches)).map(({ length }) => length)), new Set([1]));
  });

  t.test('the conditions of a search are planned one by one', async (t) => {
    const driver = await withLanes(await openPostgres(await server.fresh()));
    t.teardown(() => driver.close());
    const conditions: readonly Filter[] = Array.from({ length: 64 }, (_, bit) => ({
      terms: [bit + 1, bit + 100],
    }));
    const request = {
      group: 'blue',
      filter: { all: conditions },
      candidates: { of: 'group', before: Number.MAX_SAFE_INTEGER },
      rows: 100,
    } as const;
    const { sql, parameters } = compilePage(request, driver.dialect);
    const plan = (await driver.search(`explain ${sql}`, parameters)).map((row) => String(row['QUERY PLAN']));
    t.equal(plan.filter((line) => /SubPlan \d+$/.test(line)).length, 2 * conditions.length);
    t.ok(
      plan.some((line) => line.includes('Index Cond: (seq = c.seq)')),
      'a candidate is one look-up, whatever the statistics say',
    );
    t.same(
      plan.filter((line) => line.includes('Semi Join')),
      [],
      'a join of all of them takes seconds to plan',
    );
  });

  /** The most rows that one node of a plan has read, found or not. */
  const rowsOf = (node: Readonly<Record<string, unknown>>): number => {
    const numbers = ['Actual Rows', 'Rows Removed by Filter', 'Rows Removed by Join Filter'];
    const own =
      numbers.reduce((sum, name) => sum + Number(node[name] ?? 0), 0) * Number(node['Actual Loops']);
    return Math.max(own, ...((node.Plans ?? []) as (typeof node)[]).map(rowsOf));
  };

  t.test('no statement examines more rows than its bound, whatever the statistics say', async (t) => {
    const driver = await withLanes(await openPostgres(await server.fresh()));
    t.teardown(() => driver.close());
    const run = async (sql: string) => {
      const steps = [{ sql, parameters: [] }];
      t.equal(await driver.commit({ objects: [], changes: [], steps }), 'committed');
    };
    const fill = async (group: string, from: number) => {
      const numbers = `generate_series(${from}, ${from + 9_999}) n`;
      await run(
        `insert into managed_object (id, grp, object_type, version, state, initial_date, activation_date, box)
          select n, '${group}', 'SymmetricKey', 1, 2, n / 500, n / 500, '' from ${numbers}`,
      );
      await run(`insert into object_term select 5, n, 0 from ${numbers}`);
    };
    const rows = 500;
    const before = 30_000;
    const terms = [5, 4];
    const page = (candidates: Candidates, filter: Filter) =>
      compilePage({ group: 'blue', filter, candidates, rows }, driver.dialect);
    const seqs = Array.from({ length: rows }, (_, at) => at + 1);
    const state = { column: 'State', op: '=', value: 3 } as const;
    const range = (column: 'InitialDate' | 'ActivationDate') =>
      compileRange('blue', { column, from: 0, to: 90 }, { number: 1, seq: 600 }, rows / 2);
    const statements: Readonly<Record<string, CompiledSql>> = {
      group: page({ of: 'group', before }, { all: [state, { terms }, { not: { id: '7' } }] }),
      term: page({ of: { term: 5 }, before }, { all: [{ terms }, state] }),
      seqs: page({ seqs }, state),
      id: page({ of: { id: '7' }, before }, { id: '7' }),
      'range of all': range('InitialDate'),
      'range of some': range('ActivationDate'),
      count: compileCount(5, rows),
    };
    const check = async (what: string) => {
      for (const [name, { sql, parameters }] of Object.entries(statements)) {
        const [row] = await driver.search(`explain (analyze, format json) ${sql}`, parameters);
        const [explained] = JSON.parse(String(row?.['QUERY PLAN']));
        const examined = rowsOf(explained.Plan);
        t.ok(examined <= rows + 1, `${what}, ${name}: ${examined} rows`);
      }
    };
    await run('analyze');
    await fill('blue', 1);
    await check('statistics of empty tables');
    await run('analyze');
    await check('of one group');
    await fill('red', 10_001);
    await check('of another group than the newest');
    await run('analyze');
    await check('of both');
  });

  t.test('the database ends a search whose time is over', async (t) => {
    const url = await server.fresh();
    const driver = await withLanes(await openPostgres(url, { searchMilliseconds: 100 }));
    t.teardown(() => driver.close());
    const { waitFor } = await observe(t, url);
    const ended = await driver.search(slowSearch, []).catch((error: unknown) => error);
    t.match(ended, { name: 'SearchEndedError', message: /^a statement of the search needs more than 100 / });
    t.equal(asRefusal(ended)?.reason, 'ServerLimitExceeded', 'the client reads what it can change');
    await waitFor(0);
    t.strictSame(await driver.search('select 1 as one', []), [{ one: 1 }]);
  });

  t.test(
    'the database ends a search whose node has gone',
    { skip: process.platform !== 'linux' },
    async (t) => {
      const url = await server.fresh();
      const { waitFor } = await observe(t, url);
      const driverFile = new URL('../../src/store/postgres.ts', import.meta.url).href;
      const node = spawn(
        process.execPath,
        [
          '--input-type=module',
          '--eval',
          `const { openPostgres } = await import(process.argv[1]);
         await (await openPostgres(process.argv[2])).search(process.argv[3], []);`,
          driverFile,
          url,
          slowSearch,
        ],
        { stdio: 'ignore' },
      );
      await waitFor(1);
      node.kill('SIGKILL');
      await waitFor(0);
      t.pass('while the lock is still held');
    },
  );
}

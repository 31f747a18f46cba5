import pg from 'pg';
import t from 'tap';
import { openDatabase } from '../../src/store/open.ts';
import { openPostgres } from '../../src/store/postgres.ts';
import { probeStore } from '../../src/store/probe.ts';
import { startPostgres } from './embedded-postgres.ts';
import { add, object } from './objects.ts';
import { openWritable } from './start-lanes.ts';

/** The schema of the tables: names that others put in front of them catch nothing. */

const server = await startPostgres();
if (typeof server === 'string') {
  t.test('PostgreSQL', { skip: server }, async () => {});
} else {
  t.teardown(() => server.stop());

  const run = async (url: string, ...statements: readonly string[]) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      const results = [];
      for (const sql of statements) results.push((await client.query(sql)).rows);
      return results;
    } finally {
      await client.end();
    }
  };
  const withPath = (url: string, path: string) =>
    `${url}?options=${encodeURIComponent(`-c search_path=${path}`)}`;
  const opening = async (url: string) => {
    const { store, close } = await openWritable(url);
    await add(store, object('a'));
    await close();
  };

  t.test('tables in a schema in front of public are not used', async (t) => {
    const url = await server.fresh();
    const [tables] = await (async () => {
      const { close } = await openDatabase(url);
      await close();
      return run(url, `select tablename as name from pg_tables where schemaname = 'public'`);
    })();
    const names = (tables as readonly { readonly name: string }[]).map(({ name }) => name);
    t.ok(names.includes('managed_object') && names.includes('keyring') && names.length > 5, String(names));
    // "$user" comes first in the default search_path.
    await run(
      url,
      'create schema postgres',
      ...names
        .filter((name) => name !== 'migration')
        .map((name) => `create table postgres.${name} (like public.${name} including all)`),
    );
    await opening(url);
    const [inPublic, inFront] = await run(
      url,
      'select id from public.managed_object',
      'select id from postgres.managed_object',
    );
    t.strictSame([inPublic, inFront], [[{ id: 'a' }], []]);
  });

  t.test('every connection looks names up in the schema of the tables alone', async (t) => {
    const url = await server.fresh();
    const driver = await openPostgres(url);
    t.teardown(() => driver.close());
    const path = [{ search_path: 'public, pg_temp' }];
    t.strictSame(await driver.read('show search_path', []), path);
    t.strictSame(await driver.search('show search_path', []), path);
    const sql = `select 1 where current_setting('search_path') = 'public, pg_temp'`;
    const steps = [{ sql, parameters: [], rows: 1 }];
    t.equal(await driver.commit({ objects: [], changes: [], steps }), 'committed');
  });

  t.test('tables in two schemas of the search_path are refused until one is named', async (t) => {
    const url = await server.fresh();
    await opening(url);
    await run(url, 'create schema postgres', 'create table postgres.migration (like public.migration)');
    const refusal = {
      name: 'StoreUnavailableError',
      message:
        /has tables of kmipd in several schemas \("postgres", "public"\): name the one by options=-c%20search_path%3DSCHEMA/,
    };
    await t.rejects(openDatabase(url), refusal);
    await t.rejects(probeStore(url), refusal);
    const { store, close } = await openWritable(withPath(url, 'public'));
    t.teardown(close);
    t.equal((await store.load('blue', ['a'])).length, 1);
  });

  t.test('tables are created in the first schema of a stated search_path', async (t) => {
    const url = await server.fresh();
    await run(url, 'create schema "Key Store"');
    const stated = withPath(url, '"Key\\ Store",public');
    await opening(stated);
    await probeStore(stated);
    const [rows, other] = await run(
      url,
      'select id from "Key Store".managed_object',
      `select 1 from pg_tables where schemaname = 'public'`,
    );
    t.strictSame([rows, other], [[{ id: 'a' }], []]);
    await t.rejects(openDatabase(withPath(url, 'missing')), {
      name: 'StoreUnavailableError',
      message: /no schema of the role's search_path exists in postgres:.*: name the one by options=/,
    });
  });
}

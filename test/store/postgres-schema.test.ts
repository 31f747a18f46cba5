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

  t.test('no connection lets the server compile statements', async (t) => {
    const driver = await openPostgres(await server.fresh());
    t.teardown(() => driver.close());
    for (const read of [driver.read, driver.search])
      t.strictSame(await read.call(driver, 'show jit', []), [{ jit: 'off' }]);
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

  const changes: readonly (readonly [what: string, problem: RegExp, ...statements: string[]])[] = [
    ['a missing index', /index managed_object_by_group is missing/, 'drop index managed_object_by_group'],
    [
      'an index that has not all rows',
      /index sealed_record_by_kind is missing or another one/,
      'drop index sealed_record_by_kind',
      'create index sealed_record_by_kind on sealed_record (kind, seq) where version < 0',
    ],
    [
      'an index that is not valid',
      /index managed_object_by_id is missing or another one/,
      "update pg_index set indisvalid = false where indexrelid = 'managed_object_by_id'::regclass",
    ],
    [
      'a missing key',
      /index unique_name_pkey is missing/,
      'alter table unique_name drop constraint unique_name_pkey',
    ],
    ['a further unique index', /index more is not one/, 'create unique index more on object_term (object)'],
    ['a missing column', /column value of table managed_object is/, 'alter table managed_object drop value'],
    ['a column of another type', /column seq of table lane/, 'alter table lane alter seq type numeric'],
    ['a column that may be null', /column box of table lane/, 'alter table lane alter box drop not null'],
    [
      'a column of another collation',
      /column id of table managed_object/,
      "create collation folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
      'alter table managed_object alter id type text collate folding',
    ],
    ['a default', /column era of table lane/, 'alter table lane alter era set default 1'],
    [
      'a sequence that counts in other steps',
      /sequence of table sealed_record is missing or another one/,
      'alter table sealed_record alter seq set increment 2',
    ],
    [
      'a sequence that begins again',
      /sequence of table managed_object is missing or another one/,
      'alter table managed_object alter seq set cycle set maxvalue 9',
    ],
    ['a further column', /column more of table lane is not/, 'alter table lane add more text'],
    [
      'a trigger',
      /trigger again is not one of kmipd/,
      `create function again() returns trigger language plpgsql as 'begin return null; end'`,
      'create trigger again before update on managed_object for each row execute function again()',
    ],
    ['a rule', /rule again is not/, 'create rule again as on delete to sealed_record do instead nothing'],
    [
      'a policy for rows',
      /table sealed_record is missing or another one/,
      'alter table sealed_record enable row level security',
    ],
    [
      'a view in place of a table',
      /table lane is missing or another one/,
      'alter table lane rename to old',
      'create view lane as select * from old',
    ],
    [
      'a foreign key',
      /constraint again is not/,
      'alter table object_term add constraint again foreign key (object) references managed_object (seq)',
    ],
    [
      'a parent',
      /parent of table lane is not/,
      'create table old (name text)',
      'alter table lane inherit old',
    ],
    ['a child', /child of table lane is not/, 'create table more () inherits (lane)'],
  ];

  t.test('a database with other tables or indexes is refused', async (t) => {
    for (const [what, problem, ...statements] of changes) {
      const url = await server.fresh();
      await opening(url);
      await run(url, ...statements);
      const error = await openDatabase(url).then(
        ({ close }) => close(),
        (found: Error) => found,
      );
      t.match(error, { code: 'STORE_UNAVAILABLE', message: problem }, what);
      t.match(error, {
        message: /were changed by another program: .*; restore the database from its backup$/,
      });
    }
  });

  t.test('what an administrator adds without changing rows is no problem', async (t) => {
    const url = await server.fresh();
    await opening(url);
    await run(
      url,
      'create index more on managed_object (object_type)',
      'create table notes (text text)',
      'create view counts as select count(*) from managed_object',
      'analyze',
    );
    const { store, close } = await openWritable(url);
    t.equal((await store.load('blue', ['a'])).length, 1);
    await close();
    const [rows] = await run(url, "select 1 from pg_class where relname = 'lane' and relpersistence = 't'");
    t.strictSame(rows, [], 'no temporary table is left');
  });

  t.test('a role that must not create temporary tables is told so', async (t) => {
    const url = await server.fresh();
    await opening(url);
    const [[{ name }]] = (await run(url, 'select current_database() as name')) as [[{ name: string }]];
    await run(
      url,
      `revoke temporary on database ${name} from public`,
      `create role reader login password '${new URL(url).password}'`,
      `grant all on schema public to reader`,
      `grant all on all tables in schema public to reader`,
    );
    const asReader = new URL(url);
    asReader.username = 'reader';
    await t.rejects(openDatabase(asReader.href), {
      message: new RegExp(`: GRANT TEMPORARY ON DATABASE ${name} TO "reader"$`),
    });
  });
}

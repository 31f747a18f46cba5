import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import t from 'tap';
import { nothingReadableSuite } from '../protocol/nothing-readable-suite.ts';
import { startPostgres } from './embedded-postgres.ts';

/** Whoever reads the rows of a database, or the files of its server, learns no value and no digest of one. */

t.setTimeout(600_000);

const server = await startPostgres();
if (typeof server === 'string') t.test('PostgreSQL', { skip: server }, async () => {});
else {
  t.teardown(() => server.stop());
  const store = await server.fresh();
  const client = new pg.Client({ connectionString: store });
  await client.connect();
  t.teardown(() => client.end());

  /** Every value of every row, as bytes or as text. */
  const readRows = async (): Promise<Uint8Array[]> => {
    const { rows: tables } = await client.query(
      "select quote_ident(tablename) as name from pg_tables where schemaname = 'public'",
    );
    const values: Uint8Array[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query({ text: `select * from ${name}`, rowMode: 'array' });
      for (const value of rows.flat()) values.push(Buffer.isBuffer(value) ? value : Buffer.from(`${value}`));
    }
    return [Buffer.concat(values.flatMap((value) => [value, Buffer.from('\n')]))];
  };

  /** The files of the database and the server's log of writes; none when the server is elsewhere. */
  const readFiles = async (): Promise<Uint8Array[]> => {
    const { rows } = await client.query(
      `select current_setting('data_directory') as root,
        (select oid from pg_database where datname = current_database()) as oid`,
    );
    const { root, oid } = rows[0];
    const directories = [join(root, 'base', String(oid)), join(root, 'pg_wal')];
    const all = await Promise.all(
      directories.map(async (directory) => {
        const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
        return entries.filter((entry) => entry.isFile()).map(({ name }) => join(directory, name));
      }),
    );
    return Promise.all(all.flat().map((file) => readFile(file)));
  };

  await t.test('PostgreSQL', (t) =>
    nothingReadableSuite(t, {
      store,
      read: async () => [...(await readRows()), ...(await readFiles())],
      checkpoint: async () => void (await client.query('checkpoint')),
    }),
  );
}

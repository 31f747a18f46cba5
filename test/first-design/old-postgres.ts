import { DatabaseSync } from 'node:sqlite';
import { oldSchema } from '../../src/first-design/schema.ts';
import { openPostgres } from '../../src/store/postgres.ts';
import type { SqlValue } from '../../src/store/sql-driver.ts';
import type { TestServer } from '../store/embedded-postgres.ts';
import { queryPostgres } from '../store/query-postgres.ts';
import { OldHome, originalFile } from './fixture.ts';

/** The tables of the first design. */
export const oldTables = ['term', 'object', 'object_index', 'unique_key', 'client', 'sealing_key', 'record'];
/** Columns that the database assigns, by table. */
const serialColumns: ReadonlyMap<string, string> = new Map([
  ['term', 'id'],
  ['object', 'seq'],
  ['record', 'seq'],
]);

/** Creates a database with the rows of the fixture, as a kmipd of the first design had them on PostgreSQL. */
export async function createOldPostgres(server: TestServer): Promise<OldHome> {
  const home = new OldHome();
  home.url = await server.fresh();
  const migrations = oldSchema.map((statements, at) => ({ version: at + 1, name: `${at + 1}`, statements }));
  const driver = await openPostgres(home.url, { migrations });
  const source = new DatabaseSync(originalFile, { readOnly: true });
  for (const table of oldTables) {
    const rows = source.prepare(`select * from ${table}`).all() as Record<string, SqlValue>[];
    const steps = rows.map((row) => {
      const names = Object.keys(row);
      const values = names.map((_, at) => `$${at + 1}`).join(', ');
      const overriding = serialColumns.has(table) ? ' overriding system value' : '';
      const sql = `insert into ${table} (${names.join(', ')})${overriding} values (${values})`;
      return { sql, parameters: Object.values(row) };
    });
    await driver.commit({ objects: [], changes: [], steps });
  }
  source.close();
  await driver.close();
  for (const [table, column] of serialColumns)
    await queryPostgres(
      home.url,
      `select setval(pg_get_serial_sequence('${table}', '${column}'), max(${column})) from ${table}`,
    );
  return home;
}

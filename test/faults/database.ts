import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestServer } from '../store/embedded-postgres.ts';
import { queryPostgres } from '../store/query-postgres.ts';

/** Creates a database; `settled` resolves when the sessions of a killed daemon have ended. */
export async function databaseOf(server: TestServer): Promise<{ store: string; settled(): Promise<void> }> {
  const store = await server.fresh();
  return { store, settled: () => settle(store) };
}

/** Resolves when all sessions of a database on PostgreSQL have ended. */
export async function settle(url: string): Promise<void> {
  const others =
    'select count(*)::int as count from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';
  for (let waits = 0; (await countIn(url, others)) > 0; waits++) {
    if (waits > 500) throw new Error('sessions of the dead daemon do not end');
    await sleep(20);
  }
}

async function countIn(url: string, sql: string): Promise<number> {
  return Number((await queryPostgres(url, sql))[0]?.count);
}

/** Reads a SQLite database beside the daemon. */
export function readSqlite(file: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare(sql).all() as Record<string, unknown>[];
  } finally {
    database.close();
  }
}

/** Returns the number of records that have expired by a time in POSIX seconds. `url`: that of PostgreSQL. */
export async function countExpired(file: string, url: string | undefined, until: number): Promise<number> {
  const sql = `select count(*) as count from sealed_record where expires <= ${until}`;
  return url === undefined ? Number(readSqlite(file, sql)[0]?.count) : countIn(url, sql);
}

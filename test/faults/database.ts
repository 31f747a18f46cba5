import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { TestServer } from '../store/embedded-postgres.ts';

/** Creates a database; `settled` resolves when the sessions of a killed daemon have ended. */
export async function databaseOf(server: TestServer): Promise<{ store: string; settled(): Promise<void> }> {
  const store = await server.fresh();
  return {
    store,
    async settled() {
      const client = new pg.Client({ connectionString: store });
      await client.connect();
      try {
        const others =
          'select count(*)::int as count from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';
        for (let waits = 0; (await client.query(others)).rows[0].count > 0; waits++) {
          if (waits > 500) throw new Error('sessions of the dead daemon do not end');
          await sleep(20);
        }
      } finally {
        await client.end();
      }
    },
  };
}

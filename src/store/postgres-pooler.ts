import pg from 'pg';
import { StoreUnavailableError } from './store.ts';

/** Poolers between kmipd and PostgreSQL, such as PgBouncer. */

/** Each attempt takes two round trips and finds nearly every pooler that shares sessions. */
const attempts = 4;

const ownProcess = 'select pg_catalog.pg_backend_pid() as pid';

/**
 * Refuses a pooler that lends one session of the database to several connections, one transaction or
 * statement at a time: prepared statements and settings would be those of whoever had the session before.
 *
 * A pooler shows itself, because the process id that it states when a connection begins is not the one of the
 * session. It shares sessions if two connections have the same one, or one connection has two.
 *
 * @param client a connection with these settings, without prepared statements
 * @throws {StoreUnavailableError} for such a pooler; errors of `pg` when a connection fails.
 */
export async function refuseSharedSessions(
  client: pg.Client,
  settings: pg.ClientConfig,
  place: string,
): Promise<void> {
  const processOf = async (connection: pg.Client) =>
    (await connection.query<{ readonly pid: number }>(ownProcess)).rows[0]?.pid;
  const first = await processOf(client);
  if (first === (client as pg.Client & { readonly processID: number }).processID) return;
  const other = new pg.Client(settings);
  other.on('error', () => {});
  try {
    await other.connect();
    for (let attempt = 1; attempt <= attempts; attempt += 1)
      if ((await processOf(other)) === first || (await processOf(client)) !== first)
        throw new StoreUnavailableError(
          `${place} is a pooler that shares sessions between connections (PgBouncer in transaction or statement mode), ` +
            'which lose their settings and prepared statements: set pool_mode = session for this database, or ' +
            'name PostgreSQL itself',
        );
  } finally {
    await other.end().catch(() => {});
  }
}

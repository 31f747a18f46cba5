import pg from 'pg';
import { prepareSession, toStoreError } from './postgres-session.ts';
import { PostgresTargets } from './postgres-targets.ts';

/** `pg_advisory_lock` key of conversions, beside that of schema changes. */
const conversionLock = 0x6b6d697065;

/** The exclusive right to convert a database, which ends with its connection. */
export interface ConversionLock {
  /** Whether the connection still has the lock. */
  readonly isHeld: boolean;
  release(): Promise<void>;
}

/**
 * Locks a PostgreSQL database against conversions by other nodes; undefined when another one is at it.
 *
 * @throws {StoreUnavailableError} when the server cannot be used.
 */
export async function lockConversion(url: string): Promise<ConversionLock | undefined> {
  const targets = new PostgresTargets(url);
  await targets.choose();
  const client = new pg.Client(targets.settings);
  let isHeld = false;
  client.on('error', () => {});
  client.on('end', () => {
    isHeld = false;
  });
  const release = () => client.end().catch(() => {});
  try {
    await client.connect();
    await prepareSession(client, targets.server, { writes: true, statementMilliseconds: 0 });
    const { rows } = await client.query('select pg_try_advisory_lock($1)::int as locked', [conversionLock]);
    isHeld = rows[0].locked === 1;
  } catch (error) {
    await release();
    throw toStoreError(error, `cannot open ${targets.place}`, targets.login);
  }
  if (!isHeld) await release();
  return isHeld
    ? {
        get isHeld() {
          return isHeld;
        },
        release,
      }
    : undefined;
}

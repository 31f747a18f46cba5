import pg from 'pg';
import { isServerGone, isStatementTimeout, prepareSession, toRow, toStoreError } from './postgres-session.ts';
import type { PostgresTargets } from './postgres-targets.ts';
import type { SqlRow } from './sql-driver.ts';

/** How often a read is tried while the server in use goes away and comes back. */
const maxAttempts = 3;

const watchConnection = "select set_config('client_connection_check_interval', '2s', false)";

/** Connections for reads of one class, all to the server in use, so that no class waits for another one. */
export class Readers {
  readonly #targets: PostgresTargets;
  readonly #max: number;
  readonly #statementMilliseconds: number;
  readonly #explainTimeout: (milliseconds: number, place: string) => Error;
  #settings: pg.ClientConfig | undefined;
  #pool: pg.Pool | undefined;

  /**
   * @param max connections
   * @param statementMilliseconds after which the database ends a statement
   * @param explainTimeout creates the error of a statement that a database has ended after that time
   */
  constructor(
    targets: PostgresTargets,
    max: number,
    statementMilliseconds: number,
    explainTimeout: (milliseconds: number, place: string) => Error,
  ) {
    this.#targets = targets;
    this.#max = max;
    this.#statementMilliseconds = statementMilliseconds;
    this.#explainTimeout = explainTimeout;
  }

  /**
   * @throws {StoreUnavailableError} when the server stays away
   * @throws the error of `explainTimeout` when the statement takes too long
   */
  async read(query: pg.QueryConfig): Promise<readonly SqlRow[]> {
    for (let attempt = 1; ; attempt += 1) {
      const pool = this.#currentPool();
      const { generation } = this.#targets;
      if (pool.totalCount === 0) this.#targets.requirePresent();
      try {
        return (await pool.query(query)).rows.map(toRow);
      } catch (error) {
        // A read that waited for a connection of a pool that has ended meanwhile is not wrong itself.
        const mayRepeat = isServerGone(error) || pool !== this.#currentPool();
        if (!mayRepeat || attempt === maxAttempts) throw this.#explain(error);
      }
      await this.#targets.recover(generation);
    }
  }

  async close(): Promise<void> {
    await this.#pool?.end();
  }

  #explain(error: unknown): Error {
    const { place, login } = this.#targets;
    if (isStatementTimeout(error)) return this.#explainTimeout(this.#statementMilliseconds, place);
    return toStoreError(error, `cannot read ${place}`, login);
  }

  #currentPool(): pg.Pool {
    const { settings } = this.#targets;
    if (this.#pool !== undefined && this.#settings === settings) return this.#pool;
    // Connections to a server that is no longer in use could read what others have replaced since.
    this.#pool?.end().catch(() => {});
    this.#settings = settings;
    this.#pool = new pg.Pool({
      ...settings,
      max: this.#max,
      idleTimeoutMillis: 60_000,
      onConnect: async (client: pg.ClientBase) => {
        await prepareSession(client, this.#targets.server, {
          writes: false,
          statementMilliseconds: this.#statementMilliseconds,
        });
        // The database ends what it does for a node that has gone; not every platform can.
        await client.query(watchConnection).catch(() => {});
      },
    });
    // The pool replaces a broken idle connection; without a listener the error would end the process.
    this.#pool.on('error', () => {});
    return this.#pool;
  }
}

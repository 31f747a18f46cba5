import pg from 'pg';
import type { UnitOutcome } from './group-commit.ts';
import type { LaneConnection } from './lanes/lane-ports.ts';
import {
  isConflict,
  isLockTimeout,
  isReadOnly,
  isServerGone,
  prepareSession,
  statementMilliseconds,
  toStoreError,
} from './postgres-session.ts';
import type { PostgresTargets } from './postgres-targets.ts';
import {
  LaneMovedError,
  RowsLockedError,
  writeSeparately,
  writeTogether,
  writeUnlocked,
} from './postgres-units.ts';
import type { SqlUnit } from './sql-driver.ts';

/** Attempts of a group that loses against transactions of other nodes. */
const maxAttempts = 4;
/** Attempts to connect to a server that goes away and comes back. */
const maxConnects = 3;

/**
 * The connection that commits. A group is one transaction whose statements are pipelined, so that a group
 * costs two round trips and one fsync. Row locks, taken for the whole group in one order, serialise the
 * writers of other nodes.
 */
export class PostgresWriter {
  readonly #targets: PostgresTargets;
  readonly #lockMilliseconds: () => number;
  readonly #lane: LaneConnection;
  #client: pg.Client | undefined;
  #pid: number | undefined;
  /** Of the server that the connection leads to. */
  #generation = 0;
  /** Whether the server in use has failed and may not accept writes any more. */
  #isDoubtful = false;

  /** @param lockMilliseconds how long a group waits for one lock that another session holds */
  constructor(targets: PostgresTargets, lockMilliseconds: () => number, lane: LaneConnection) {
    this.#targets = targets;
    this.#lockMilliseconds = lockMilliseconds;
    this.#lane = lane;
  }

  /** Process id of the session in the database; undefined while there is none. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /**
   * Commits a group durably; resolves with one outcome per unit, `conflict` after too many lost attempts,
   * RowsLockedError for those units that another session keeps from their rows.
   *
   * @throws {StoreUnavailableError} when the connection fails; the transaction is then committed or not.
   */
  async write(units: readonly SqlUnit[]): Promise<readonly UnitOutcome[]> {
    this.#lane.requireWritable(units);
    try {
      for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
        const outcomes = await this.#attempt(units);
        if (outcomes !== 'collision') return outcomes;
      }
      return units.map(() => 'conflict');
    } catch (error) {
      // The result of the transaction is unknown or the connection unusable: the next group uses a new
      // connection, and this group is not written again, because its transaction may be committed.
      await this.close();
      this.#isDoubtful = isReadOnly(error) || isServerGone(error);
      throw this.#explain(error);
    }
  }

  /** Closes the connection; the next group opens a new one. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#pid = undefined;
    await client?.end().catch(() => {});
  }

  async #attempt(units: readonly SqlUnit[]): Promise<readonly UnitOutcome[] | 'collision'> {
    const client = await this.#connect();
    const wait = this.#lockMilliseconds();
    try {
      return (
        (await writeTogether(client, units, wait, this.#lane)) ??
        (await writeSeparately(client, units, wait, this.#lane))
      );
    } catch (error) {
      if (error instanceof LaneMovedError) return this.#resolveConflict();
      if (!isConflict(error) && !isLockTimeout(error)) throw error;
      await client.query('rollback');
      return isLockTimeout(error) ? await this.#attemptUnlocked(client, units) : 'collision';
    }
  }

  async #attemptUnlocked(
    client: pg.Client,
    units: readonly SqlUnit[],
  ): Promise<readonly UnitOutcome[] | 'collision'> {
    try {
      return await writeUnlocked(client, units, this.#lane);
    } catch (error) {
      if (error instanceof LaneMovedError) return this.#resolveConflict();
      if (!isConflict(error) && !isLockTimeout(error)) throw error;
      await client.query('rollback');
      // The whole table is locked.
      return isLockTimeout(error) ? units.map(() => ({ error: new RowsLockedError([]) })) : 'collision';
    }
  }

  async #resolveConflict(): Promise<'collision'> {
    await this.#lane.resolveConflict();
    return 'collision';
  }

  #explain(error: unknown): Error {
    return toStoreError(error, `cannot write ${this.#targets.place}`, this.#targets.login);
  }

  async #connect(): Promise<pg.Client> {
    // Another server may be in use since.
    if (this.#generation !== this.#targets.generation) await this.close();
    else if (this.#client !== undefined) return this.#client;
    if (this.#isDoubtful) await this.#targets.recover(this.#generation);
    for (let attempt = 1; ; attempt += 1) {
      this.#generation = this.#targets.generation;
      try {
        return await this.#connectTo(this.#targets.settings);
      } catch (error) {
        if (!isServerGone(error) || attempt === maxConnects) throw error;
      }
      await this.#targets.recover(this.#generation);
    }
  }

  async #connectTo(settings: pg.ClientConfig): Promise<pg.Client> {
    const client = new pg.Client({ ...settings, pipeline: true });
    client.on('error', () => {
      if (this.#client === client) this.#client = undefined;
    });
    try {
      await client.connect();
      const purpose = { writes: true, statementMilliseconds };
      this.#pid = await prepareSession(client, this.#targets.server, purpose);
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    this.#isDoubtful = false;
    this.#client = client;
    return client;
  }
}

import pg from 'pg';
import type { UnitOutcome } from './group-commit.ts';
import {
  escapeText,
  isConflict,
  isStatementError,
  prepareSession,
  toQuery,
  toStoreError,
} from './postgres-session.ts';
import type { PostgresTargets } from './postgres-targets.ts';
import type { SqlStep, SqlUnit } from './sql-driver.ts';

/** Attempts of a group that loses against transactions of other nodes. */
const maxAttempts = 4;

const lockObjects = 'select 1 from object where id = any($1) order by id for no key update';
const lockRecords =
  'select 1 from record where (kind, id) in (select * from unnest($1::text[], $2::text[])) order by kind, id for update';

/**
 * The connection that commits. A group is one transaction whose statements are pipelined, so that a group
 * costs two round trips and one fsync. Row locks, taken for the whole group in one order, serialise the
 * writers of other nodes.
 */
export class PostgresWriter {
  readonly #targets: PostgresTargets;
  #client: pg.Client | undefined;

  constructor(targets: PostgresTargets) {
    this.#targets = targets;
  }

  /**
   * Commits a group durably; resolves with one outcome per unit, `conflict` after too many lost attempts.
   *
   * @throws {StoreUnavailableError} when the connection fails; the transaction is then committed or not.
   */
  async write(units: readonly SqlUnit[]): Promise<readonly UnitOutcome[]> {
    try {
      for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
        const outcomes = await this.#attempt(units);
        if (outcomes !== 'collision') return outcomes;
      }
      return units.map(() => 'conflict');
    } catch (error) {
      // The result of the transaction is unknown or the connection unusable: the next group uses a new
      // connection.
      await this.close();
      const failure = this.#explain(error);
      // This group is not written again: its transaction may be committed.
      await this.#targets.chooseAfter(failure).catch(() => {});
      throw failure;
    }
  }

  /** Closes the connection; the next group opens a new one. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {});
  }

  async #attempt(units: readonly SqlUnit[]): Promise<readonly UnitOutcome[] | 'collision'> {
    const client = await this.#connect();
    try {
      return (await writeTogether(client, units)) ?? (await writeSeparately(client, units));
    } catch (error) {
      if (!isConflict(error)) throw error;
      await client.query('rollback');
      return 'collision';
    }
  }

  #explain(error: unknown): Error {
    return toStoreError(error, `cannot write ${this.#targets.place}`, this.#targets.settings);
  }

  async #connect(): Promise<pg.Client> {
    if (this.#client !== undefined) return this.#client;
    try {
      return await this.#connectTo(this.#targets.settings);
    } catch (error) {
      const failure = this.#explain(error);
      if (!(await this.#targets.chooseAfter(failure))) throw failure;
      return this.#connectTo(this.#targets.settings);
    }
  }

  async #connectTo(settings: pg.ClientConfig): Promise<pg.Client> {
    const client = new pg.Client({ ...settings, pipeline: true });
    client.on('error', () => {
      if (this.#client === client) this.#client = undefined;
    });
    try {
      await client.connect();
      await prepareSession(client, this.#targets.place);
      // Longer than any commit; a longer wait is for a lock that another application holds.
      await client.query(`select set_config('lock_timeout', '3s', false)`);
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    this.#client = client;
    return client;
  }
}

/**
 * Runs a group without savepoints, because nearly every group has no conflict. Undefined when a unit failed:
 * nothing was written, and the units must be written separately.
 */
async function writeTogether(
  client: pg.Client,
  units: readonly SqlUnit[],
): Promise<readonly UnitOutcome[] | undefined> {
  const opened = begin(client, units);
  const outcomes = await waitForAll([opened, ...units.map((unit) => runUnit(client, unit))]).catch(
    (error: unknown) => {
      if (isStatementError(error)) return [];
      throw error;
    },
  );
  if (outcomes.length === 0 || outcomes.slice(1).some((outcome) => outcome !== 'committed')) {
    await client.query('rollback');
    return undefined;
  }
  await client.query('commit');
  return units.map(() => 'committed');
}

/** Runs each unit in a savepoint, so that a failure affects only its unit. */
async function writeSeparately(
  client: pg.Client,
  units: readonly SqlUnit[],
): Promise<readonly UnitOutcome[]> {
  await begin(client, units);
  const outcomes: UnitOutcome[] = [];
  for (const unit of units) {
    const saved = client.query('savepoint unit');
    const [, outcome] = await waitForAll([saved, runUnit(client, unit).catch(toOutcome)]);
    outcomes.push(outcome);
    if (outcome !== 'committed') await client.query('rollback to savepoint unit');
    await client.query('release savepoint unit');
  }
  await client.query('commit');
  return outcomes;
}

function toOutcome(error: unknown): UnitOutcome {
  if (!isStatementError(error)) throw error;
  return { error: new Error(`the database refused a statement: ${(error as Error).message}`) };
}

function begin(client: pg.Client, units: readonly SqlUnit[]): Promise<unknown> {
  // Explicit, because the server's default may differ: the steps check their conditions on rows they have
  // locked.
  const sent: Promise<unknown>[] = [client.query('begin isolation level read committed')];
  const objects = [...new Set(units.flatMap(({ objects }) => objects))];
  if (objects.length > 0)
    sent.push(client.query({ name: 'kmipd_lock', text: lockObjects, values: [objects.map(escapeText)] }));
  const records = units.flatMap(({ records }) => records ?? []);
  if (records.length > 0) {
    const values = [records.map(({ kind }) => kind), records.map(({ id }) => escapeText(id))];
    sent.push(client.query({ name: 'kmipd_lock_records', text: lockRecords, values }));
  }
  return waitForAll(sent);
}

async function runUnit(client: pg.Client, unit: SqlUnit): Promise<UnitOutcome> {
  const results = await waitForAll(
    unit.steps.map(({ sql, parameters }) => client.query(toQuery(sql, parameters))),
  );
  const failed = unit.steps.find((step, at) => hasWrongRowCount(step, results[at]?.rowCount ?? 0));
  return failed === undefined ? 'committed' : (failed.otherwise ?? 'conflict');
}

function hasWrongRowCount({ rows }: SqlStep, count: number): boolean {
  return rows !== undefined && rows !== count;
}

/**
 * Waits for the results of all statements, then throws the first error. Later statements fail too, with
 * "current transaction is aborted", and no statement may be sent while they are in flight.
 */
async function waitForAll<T extends readonly unknown[]>(
  promises: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  const settled = await Promise.allSettled(promises);
  for (const result of settled) if (result.status === 'rejected') throw result.reason;
  return settled.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T;
}

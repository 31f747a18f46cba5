import type pg from 'pg';
import { waitForAll } from '../common/wait-for-all.ts';
import { exactInteger } from './cells.ts';
import type { UnitOutcome } from './group-commit.ts';
import type { LaneConnection } from './lanes/lane-ports.ts';
import type { LaneEnd } from './lanes/lane-writer.ts';
import { isLockTimeout, isSequenceError, isStatementError, toQuery } from './postgres-session.ts';
import { isOwnNumber, SequenceError } from './row-numbers.ts';
import type { SqlStep, SqlUnit } from './sql-driver.ts';

/**
 * Transactions of groups of units on one pipelined connection to PostgreSQL. After an error all statements
 * that were sent are waited for: they fail too, with "current transaction is aborted".
 */

/** How long a unit waits for a lock where its group does not wait at all. */
export const minLockMilliseconds = 5;

const lockObjects = 'select id from managed_object where id = any($1) order by id for no key update';
const lockRecords = 'select key from sealed_record where key = any($1) order by key for update';
/** Until the end of the transaction; two texts of one number wait for each other, which costs time only. */
const reserve =
  'select pg_advisory_xact_lock(hashtextextended(text, 0)) from unnest(cast($1 as text[])) as text';
const findObjects = 'select id from managed_object where id = any($1)';
const findRecords = 'select key from sealed_record where key = any($1)';

/** A unit was not written, because another session holds a lock that it needs. */
export class RowsLockedError extends Error {
  override readonly name = 'RowsLockedError';
  readonly code = 'ROWS_LOCKED';
  /** Identifiers of the locked objects and kinds of the locked records, as far as they are known. */
  readonly rows: readonly string[];

  constructor(rows: readonly string[]) {
    super(`${rows.length === 0 ? 'a row' : rows.join(', ')} is locked by another session of the database`);
    this.rows = rows;
  }
}

/** `LANE_MOVED`: the end of a transaction did not find the row of its lane; nothing was written. */
export class LaneMovedError extends Error {
  override readonly name = 'LaneMovedError';
  readonly code = 'LANE_MOVED';
}

/**
 * Runs a group without savepoints, because nearly every group has no conflict. Undefined when a unit failed:
 * nothing was written, and the units must be written separately.
 *
 * @throws {LaneMovedError}
 */
export async function writeTogether(
  client: pg.Client,
  units: readonly SqlUnit[],
  lockMilliseconds: number,
  lane: LaneConnection,
): Promise<readonly UnitOutcome[] | undefined> {
  const last = lane.createEnd(units);
  const opened = waitForAll([begin(client, lockMilliseconds), ...lockRows(client, units)]);
  const written = waitForAll(units.map((unit) => runUnit(client, unit)));
  const [, outcomes, isFound] = await waitForAll([opened, written, runLast(client, last)]).catch(
    (error: unknown) => {
      if (isStatementError(error) || error instanceof SequenceError)
        return [undefined, ['conflict' as const], false] as const;
      throw error;
    },
  );
  if (outcomes.some((outcome) => outcome !== 'committed')) {
    await client.query('rollback');
    return undefined;
  }
  await endTransaction(client, lane, last, isFound);
  return outcomes;
}

/**
 * Runs each unit in a savepoint, so that a failure affects only its unit.
 *
 * @throws {LaneMovedError}
 */
export async function writeSeparately(
  client: pg.Client,
  units: readonly SqlUnit[],
  lockMilliseconds: number,
  lane: LaneConnection,
): Promise<readonly UnitOutcome[]> {
  await waitForAll([begin(client, lockMilliseconds), ...lockRows(client, units)]);
  const outcomes: UnitOutcome[] = [];
  for (const unit of units) outcomes.push(await runInSavepoint(client, unit, toOutcome));
  await endWith(client, lane, units, outcomes);
  return outcomes;
}

/**
 * Runs those units whose rows no other session has locked, and waits for none.
 *
 * @throws {LaneMovedError}
 */
export async function writeUnlocked(
  client: pg.Client,
  units: readonly SqlUnit[],
  lane: LaneConnection,
): Promise<readonly UnitOutcome[]> {
  await begin(client, minLockMilliseconds);
  const locked = await lockFreeRows(client, units);
  const outcomes: UnitOutcome[] = [];
  for (const unit of units) {
    const rows = rowsOf(unit).filter(({ key }) => locked.has(key));
    outcomes.push(
      rows.length > 0
        ? { error: new RowsLockedError([...new Set(rows.map(({ text }) => text))]) }
        : await runInSavepoint(client, unit, (error) =>
            // Another session inserts the same key, or has locked a table.
            isLockTimeout(error) ? { error: new RowsLockedError([]) } : toOutcome(error),
          ),
    );
  }
  await endWith(client, lane, units, outcomes);
  return outcomes;
}

/** Ends a transaction of which some units did not go through. */
async function endWith(
  client: pg.Client,
  lane: LaneConnection,
  units: readonly SqlUnit[],
  outcomes: readonly UnitOutcome[],
): Promise<void> {
  const last = lane.createEnd(units.filter((_, at) => outcomes[at] === 'committed'));
  await endTransaction(client, lane, last, await runLast(client, last));
}

/** Runs the last statements of a transaction; whether each has changed its row. */
async function runLast(client: pg.Client, last: LaneEnd | undefined): Promise<boolean> {
  const { steps = [] } = last ?? {};
  const results = await waitForAll(
    steps.map(({ sql, parameters }) => client.query(toQuery(sql, parameters))),
  );
  return steps.every((step, at) => !hasWrongRowCount(step, results[at]?.rowCount ?? 0));
}

async function endTransaction(
  client: pg.Client,
  lane: LaneConnection,
  last: LaneEnd | undefined,
  isFound: boolean,
): Promise<void> {
  if (!isFound) {
    await client.query('rollback');
    throw new LaneMovedError();
  }
  try {
    await client.query('commit');
  } catch (error) {
    if (last !== undefined) lane.doubt(last);
    throw error;
  }
  if (last !== undefined) lane.accept(last);
}

async function runInSavepoint(
  client: pg.Client,
  unit: SqlUnit,
  translate: (error: unknown) => UnitOutcome,
): Promise<UnitOutcome> {
  const saved = client.query('savepoint unit');
  const [, outcome] = await waitForAll([saved, runUnit(client, unit).catch(translate)]);
  if (outcome !== 'committed') await client.query('rollback to savepoint unit');
  await client.query('release savepoint unit');
  return outcome;
}

function toOutcome(error: unknown): UnitOutcome {
  if (error instanceof SequenceError) return { error };
  if (!isStatementError(error)) throw error;
  return { error: new Error(`the database refused a statement: ${(error as Error).message}`) };
}

function begin(client: pg.Client, lockMilliseconds: number): Promise<unknown> {
  return waitForAll([
    // Explicit, because the server's default may differ: the steps check their conditions on rows they have
    // locked.
    client.query('begin isolation level read committed'),
    client.query(`set local lock_timeout = ${lockMilliseconds}`),
  ]);
}

/** Sends the statements that lock the rows of units, in one order for all nodes. */
function lockRows(
  client: pg.Client,
  units: readonly SqlUnit[],
  free: '' | ' skip locked' = '',
): readonly Promise<pg.QueryResult>[] {
  return selectRows(client, units, `${lockObjects}${free}`, `${lockRecords}${free}`);
}

function selectRows(
  client: pg.Client,
  units: readonly SqlUnit[],
  objectsSql: string,
  recordsSql: string,
): readonly Promise<pg.QueryResult>[] {
  const sent: Promise<pg.QueryResult>[] = [];
  const reserves = [...new Set(units.flatMap(({ reserves = [] }) => reserves))].toSorted();
  if (reserves.length > 0) sent.push(client.query(toQuery(reserve, [reserves])));
  const objects = [...new Set(units.flatMap(({ objects }) => objects))];
  if (objects.length > 0) sent.push(client.query(toQuery(objectsSql, [objects])));
  const records = [...new Set(units.flatMap(({ records = [] }) => records.map(({ key }) => key)))];
  if (records.length > 0) sent.push(client.query(toQuery(recordsSql, [records])));
  return sent;
}

/** Locks the rows of units that no other session has locked, and returns the keys of the others. */
async function lockFreeRows(client: pg.Client, units: readonly SqlUnit[]): Promise<ReadonlySet<string>> {
  const present = selectRows(client, units, findObjects, findRecords);
  const free = lockRows(client, units, ' skip locked');
  const [found, locked] = await waitForAll([waitForAll(present), waitForAll(free)]);
  const keys = (results: readonly pg.QueryResult[]) =>
    results.flatMap(({ rows }) => rows.map((row) => keyOf(row)));
  return new Set(keys(found)).difference(new Set(keys(locked)));
}

/** A row that a unit locks. */
export interface UnitRow {
  readonly key: string;
  /** For messages: an object by its identifier, a record only by its kind. */
  readonly text: string;
}

function keyOf(row: { readonly id: string } | { readonly key: string }): string {
  return 'id' in row ? `object ${row.id}` : `record ${row.key}`;
}

/** The rows that a unit locks. */
export function rowsOf({ objects, records = [] }: SqlUnit): readonly UnitRow[] {
  return [
    ...objects.map((id) => ({ key: keyOf({ id }), text: `object ${id}` })),
    ...records.map(({ kind, key }) => ({ key: keyOf({ key }), text: `a record of kind ${kind}` })),
  ];
}

const returning = ` returning ${exactInteger('seq')} as seq`;

async function runUnit(client: pg.Client, unit: SqlUnit): Promise<UnitOutcome> {
  const results = await waitForAll(
    unit.steps.map(({ sql, parameters, numbers }) => {
      if (numbers === undefined) return client.query(toQuery(sql, parameters));
      return client.query(toQuery(`${sql}${returning}`, parameters)).catch((error: unknown) => {
        throw isSequenceError(error) ? new SequenceError(numbers) : error;
      });
    }),
  );
  for (const [at, { numbers }] of unit.steps.entries())
    if (numbers !== undefined && results[at]?.rows.some(({ seq }) => !isOwnNumber(seq)))
      return { error: new SequenceError(numbers) };
  const failed = unit.steps.find((step, at) => hasWrongRowCount(step, results[at]?.rowCount ?? 0));
  return failed === undefined ? 'committed' : (failed.otherwise ?? 'conflict');
}

function hasWrongRowCount({ rows }: SqlStep, count: number): boolean {
  return rows !== undefined && rows !== count;
}

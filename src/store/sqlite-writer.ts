import type { UnitOutcome } from './group-commit.ts';
import { isOwnNumber, SequenceError } from './row-numbers.ts';
import type { SqlStep, SqlUnit } from './sql-driver.ts';
import { classifyFailure, describeSqliteError, type SqliteFailure } from './sqlite-connection.ts';
import { openThreadConnection, serveRequests } from './sqlite-thread.ts';
import { type NumberedTable, numberedTables } from './store.ts';

/**
 * The writer thread of `sqlite-writer-thread.ts`: applies one group of units in one transaction, so that a
 * slow fsync stalls this thread and not the readers. Messages carry plain data only.
 */

/** What the thread needs of a unit. */
export type UnitSteps = Pick<SqlUnit, 'steps'>;

/** Message to the thread. */
export type WriterRequest =
  /** A group to commit. `last`: the last statements when all of its units go through. */
  | { readonly group: number; readonly units: readonly UnitSteps[]; readonly last: LastSteps | undefined }
  /** The end of a transaction that is `open`: its last statements, or none. */
  | { readonly group: number; readonly end: LastSteps | 'commit' | 'rollback' };

/** Statements each of which must change one row, or nothing is committed. */
type LastSteps = readonly SqlStep[];

/** Message from the thread: it is ready, or what became of a group. */
export type WriterReply =
  | 'ready'
  | { readonly group: number; readonly outcomes: readonly ThreadOutcome[]; readonly state: TransactionState }
  /** Nothing of the group was committed as far as SQLite reports. */
  | {
      readonly group: number;
      readonly failure: Exclude<SqliteFailure, 'statement'>;
      readonly description: string;
    };

/**
 * `open`: some units did not go through, and the transaction waits for the last statements that the others
 * need. `moved`: nothing was committed, because one of the last statements did not find its row.
 */
export type TransactionState = 'committed' | 'open' | 'moved';

/** As `UnitOutcome`, whose errors lose their class on the way to another thread. */
export type ThreadOutcome = UnitOutcome | { readonly misnumbered: NumberedTable };

const sqliteFull = 13;
const selectEnded = `select 1 as one from sqlite_sequence where name = $1 and seq > ${Number.MAX_SAFE_INTEGER}`;

const connection = openThreadConnection();
const { database } = connection;
/** Of the open transaction. */
let outcomes: readonly ThreadOutcome[] = [];
serveRequests(connection, answer).postMessage('ready' satisfies WriterReply);

function answer(request: WriterRequest): WriterReply {
  const { group } = request;
  try {
    const state = 'end' in request ? endTransaction(request.end) : writeGroup(request.units, request.last);
    return { group, outcomes, state };
  } catch (error) {
    const failure = classifyFailure(error);
    return {
      group,
      failure: failure === 'statement' ? 'broken' : failure,
      description: describeFailure(error),
    };
  }
}

/** SQLite calls the database full, too, when a sequence has come to its end. */
function describeFailure(error: unknown): string {
  const isFull = error instanceof Error && 'errcode' in error && error.errcode === sqliteFull;
  const ended = isFull && numberedTables.find((table) => connection.rows(selectEnded, [table]).length > 0);
  return ended ? new SequenceError(ended).message : describeSqliteError(error);
}

function writeGroup(units: readonly UnitSteps[], last: LastSteps | undefined): TransactionState {
  const state = writeTogether(units, last);
  if (state !== undefined) return state;
  database.exec('begin immediate');
  rollBackOnError(() => {
    outcomes = units.map(writeSeparately);
  });
  return last === undefined ? endTransaction('commit') : 'open';
}

/** `STEP_FAILED`: a unit of the group failed, so that the transaction must be rolled back. */
class StepFailedError extends Error {
  override readonly name = 'StepFailedError';
  readonly code = 'STEP_FAILED';
}

/**
 * Runs a group without savepoints, which copy every page that a unit changes first; nearly every group has no
 * conflict. Undefined when a unit failed: nothing was written, and the units must be written separately.
 */
function writeTogether(
  units: readonly UnitSteps[],
  last: LastSteps | undefined,
): TransactionState | undefined {
  try {
    database.exec('begin immediate');
    rollBackOnError(() => {
      for (const unit of units) if (runSteps(unit) !== 'committed') throw new StepFailedError();
    });
  } catch (error) {
    if (error instanceof StepFailedError || classifyFailure(error) === 'statement') return undefined;
    throw error;
  }
  outcomes = units.map(() => 'committed');
  return endTransaction(last ?? 'commit');
}

function endTransaction(end: LastSteps | 'commit' | 'rollback'): TransactionState {
  return rollBackOnError(() => {
    const isFound = typeof end === 'string' || runSteps({ steps: end }) === 'committed';
    const isCommitted = isFound && end !== 'rollback';
    database.exec(isCommitted ? 'commit' : 'rollback');
    return isCommitted ? 'committed' : 'moved';
  });
}

function rollBackOnError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    // Some errors have already rolled back. When the rollback fails, its own, worse error is thrown.
    if (database.isTransaction) database.exec('rollback');
    throw error;
  }
}

/** Runs one unit in a savepoint, so that a failure affects only this unit. */
function writeSeparately(unit: UnitSteps): ThreadOutcome {
  database.exec('savepoint unit');
  const outcome = tryUnit(unit);
  if (outcome !== 'committed') database.exec('rollback to unit');
  database.exec('release unit');
  return outcome;
}

function tryUnit(unit: UnitSteps): ThreadOutcome {
  try {
    return runSteps(unit);
  } catch (error) {
    if (classifyFailure(error) !== 'statement') throw error;
    return { error: new Error(`the database refused a statement: ${describeSqliteError(error)}`) };
  }
}

function runSteps(unit: UnitSteps): ThreadOutcome {
  for (const { sql, parameters, numbers, rows, otherwise } of unit.steps) {
    const inserted = numbers && connection.insert(sql, parameters);
    if (numbers !== undefined && !inserted?.every(isOwnNumber)) return { misnumbered: numbers };
    const count = inserted?.length ?? connection.count(sql, parameters);
    if (rows !== undefined && count !== rows) return otherwise ?? 'conflict';
  }
  return 'committed';
}

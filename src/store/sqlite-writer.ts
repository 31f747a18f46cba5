import type { UnitOutcome } from './group-commit.ts';
import type { SqlUnit } from './sql-driver.ts';
import { classifyFailure, describeSqliteError, type SqliteFailure } from './sqlite-connection.ts';
import { openThreadConnection, serveRequests } from './sqlite-thread.ts';

/**
 * The writer thread of `sqlite.ts`: applies one group of units per message in one transaction, so that a slow
 * fsync stalls this thread and not the readers. Messages carry plain data only.
 */

/** Message to the thread: a group to commit. */
export interface WriterRequest {
  readonly group: number;
  readonly units: readonly SqlUnit[];
}

/** Message from the thread: it is ready, or the result of a group. */
export type WriterReply =
  | 'ready'
  | { readonly group: number; readonly outcomes: readonly UnitOutcome[] }
  /** Nothing of the group was committed as far as SQLite reports. */
  | {
      readonly group: number;
      readonly failure: Exclude<SqliteFailure, 'statement'>;
      readonly description: string;
    };

const connection = openThreadConnection();
const { database } = connection;
serveRequests(connection, writeGroup).postMessage('ready' satisfies WriterReply);

function writeGroup({ group, units }: WriterRequest): WriterReply {
  try {
    return { group, outcomes: writeTogether(units) ?? runTransaction(() => units.map(writeSeparately)) };
  } catch (error) {
    const failure = classifyFailure(error);
    return {
      group,
      failure: failure === 'statement' ? 'broken' : failure,
      description: describeSqliteError(error),
    };
  }
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
function writeTogether(units: readonly SqlUnit[]): readonly UnitOutcome[] | undefined {
  try {
    return runTransaction(() =>
      units.map((unit) => {
        if (runSteps(unit) !== 'committed') throw new StepFailedError();
        return 'committed';
      }),
    );
  } catch (error) {
    if (error instanceof StepFailedError || classifyFailure(error) === 'statement') return undefined;
    throw error;
  }
}

function runTransaction<T>(work: () => T): T {
  database.exec('begin immediate');
  try {
    const result = work();
    database.exec('commit');
    return result;
  } catch (error) {
    // Some errors have already rolled back. When the rollback fails, its own, worse error is thrown.
    if (database.isTransaction) database.exec('rollback');
    throw error;
  }
}

/** Runs one unit in a savepoint, so that a failure affects only this unit. */
function writeSeparately(unit: SqlUnit): UnitOutcome {
  database.exec('savepoint unit');
  const outcome = tryUnit(unit);
  if (outcome !== 'committed') database.exec('rollback to unit');
  database.exec('release unit');
  return outcome;
}

function tryUnit(unit: SqlUnit): UnitOutcome {
  try {
    return runSteps(unit);
  } catch (error) {
    if (classifyFailure(error) !== 'statement') throw error;
    return { error: new Error(`the database refused a statement: ${describeSqliteError(error)}`) };
  }
}

function runSteps(unit: SqlUnit): UnitOutcome {
  for (const { sql, parameters, rows, otherwise } of unit.steps) {
    const count = connection.count(sql, parameters);
    if (rows !== undefined && count !== rows) return otherwise ?? 'conflict';
  }
  return 'committed';
}

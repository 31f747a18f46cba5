import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { CommandError } from '../cli/failure.ts';
import { lockDatabaseFile } from '../cli/state-directory/database-lock.ts';
import { type ProcessLock, readPid } from '../cli/state-directory/lock.ts';
import { findTypeProblem } from '../common/regular-file.ts';
import { describeSqliteError } from '../store/sqlite-connection.ts';
import { selectTables, selectVersion, tablesOf } from './schema.ts';

/**
 * Whether a file with the name of a kept copy is one. Another home may have such a copy as its database,
 * which has been converted under that name, and anybody may give a file that name.
 */

/** Endings of the files that SQLite keeps beside a database. */
export const besides: readonly string[] = ['-wal', '-shm', '-journal'];
/** The end of the name of a copy that is being made. */
export const unfinishedEnding = '.unfinished';
/** A table of the second design: a database that is being converted has it, too. */
const newTable = 'managed_object';
const sqliteStart = new TextEncoder().encode('SQLite format 3\0');

/**
 * Requires that a file is a database of the first design, and locks it against other kmipds until the lock is
 * released. A copy that was interrupted need not be complete.
 * @throws {CommandError} when it is none, or a process has it open
 */
export function lockErasableCopy(file: string): ProcessLock {
  const typeProblem = findFileProblem(lstatSync(file));
  if (typeProblem !== undefined) throw refusal(file, typeProblem);
  const lockFile = `${file}.lock`;
  const isNewLock = !existsSync(lockFile);
  const lock = lockDatabaseFile(file);
  if (lock === undefined) throw refusal(file, `${describeProcess(readPid(file))} uses it`);
  const release = () => {
    lock.release();
    if (isNewLock || !existsSync(file)) rmSync(lockFile, { force: true });
  };
  try {
    const holder = findHolder(file);
    const problem =
      holder === undefined ? findContentProblem(file) : `${describeProcess(holder)} has it open`;
    if (problem !== undefined) throw refusal(file, problem);
  } catch (error) {
    release();
    throw error;
  }
  return { release };
}

/** The error that a file is not erased. */
export function refusal(file: string, reason: string): CommandError {
  return new CommandError(`${file} is not erased: ${reason}; look at it, and remove it yourself`);
}

/** Returns why something is not one file that can be erased; undefined when it can. */
export function findFileProblem(stats: Stats): string | undefined {
  // To write through a link would destroy another file.
  if (stats.isSymbolicLink()) return 'it is a symbolic link';
  if (findTypeProblem(stats) !== undefined) return 'it is no regular file';
  return stats.nlink === 1 ? undefined : 'it has a second name (a hard link)';
}

function describeProcess(pid: number | undefined): string {
  return pid === undefined ? 'another kmipd' : `process ${pid}`;
}

/** Finds a process that has the file open, of those that this user may look at; this process is left out. */
function findHolder(file: string): number | undefined {
  const { dev, ino } = statSync(file);
  const isFile = (descriptor: string) => {
    const found = ignoreGone(() => statSync(descriptor));
    return found?.dev === dev && found.ino === ino;
  };
  for (const name of ignoreGone(() => readdirSync('/proc')) ?? []) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const descriptors = ignoreGone(() => readdirSync(`/proc/${name}/fd`)) ?? [];
    if (descriptors.some((each) => isFile(`/proc/${name}/fd/${each}`))) return Number(name);
  }
  return undefined;
}

/** Processes end while they are looked at, and those of other users show nothing. */
function ignoreGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** Returns why a file is no database of the first design; undefined when it is one. */
function findContentProblem(file: string): string | undefined {
  const isUnfinished = file.endsWith(unfinishedEnding);
  try {
    const { tables, version } = readSchema(file);
    if (isUnfinished && tables.size === 0) return undefined;
    if (tables.has(newTable)) return 'it is a database of the second design';
    const isOld = tablesOf(version)?.every((table) => tables.has(table));
    return isOld === true ? undefined : `it is no database of the first design (schema version ${version})`;
  } catch (error) {
    if (isUnfinished && mayBeDatabase(file)) return undefined;
    return `it does not open as a database: ${describeSqliteError(error)}`;
  }
}

function readSchema(file: string): { readonly tables: ReadonlySet<string>; readonly version: number } {
  const made = besides.map((ending) => `${file}${ending}`).filter((name) => !existsSync(name));
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    database.exec('pragma trusted_schema = off');
    const rows = database.prepare(selectTables.sqlite).all();
    const tables = new Set(rows.map(({ name }) => String(name)));
    const version = tables.has('migration') ? database.prepare(selectVersion).get()?.version : 0;
    return { tables, version: Number(version) };
  } finally {
    database.close();
    // A reader cannot remove the empty log that SQLite makes where there is none.
    for (const name of made) rmSync(name, { force: true });
  }
}

/** Whether a file that does not open begins like a database, or with a page that was not written any more. */
function mayBeDatabase(file: string): boolean {
  const descriptor = openSync(file, 'r');
  try {
    const start = new Uint8Array(sqliteStart.length);
    const count = readSync(descriptor, start);
    return (
      start.subarray(0, count).every((byte, at) => byte === sqliteStart[at]) || start.every((b) => b === 0)
    );
  } finally {
    closeSync(descriptor);
  }
}

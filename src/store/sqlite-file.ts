import { closeSync, mkdirSync, openSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { synchronise } from '../common/durable-file.ts';
import { describeFileError, findTypeProblem } from '../common/regular-file.ts';
import { describeSqliteError } from './sqlite-connection.ts';
import { StoreUnavailableError } from './store.ts';

/** Returns the file of a store URL `sqlite:FILE`; undefined for other URLs. */
export function sqliteFileOf(url: string): string | undefined {
  return /^sqlite:(.+)$/s.exec(url)?.[1];
}

/**
 * Creates the database file (mode 0600, its directory 0700) before SQLite does, because SQLite's log and
 * index inherit its mode. A file that exists is kept. Not to be called while SQLite has the file open in this
 * process: closing a file drops the process's fcntl locks on it, and SQLite's are among them.
 * `mustExist`: no file is created, because one is missed.
 * @throws {StoreUnavailableError} when that fails, a file is missed, what is there is no regular file, or the
 *   file has more than one name.
 */
export function createDatabaseFile(path: string, mustExist: boolean): void {
  const present = statSync(path, { throwIfNoEntry: false });
  const refusal = (present && findTypeProblem(present)) ?? findMissed(path, mustExist);
  if (refusal !== undefined) throw new StoreUnavailableError(`cannot open the database ${path}: ${refusal}`);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', 0o600));
    synchronise(dirname(path));
  } catch (error) {
    const reason = describeFileError(error) ?? describeSqliteError(error);
    throw new StoreUnavailableError(`cannot open the database ${path}: ${reason}`);
  }
  const problem = findNameProblem(path);
  if (problem !== undefined) throw new StoreUnavailableError(`cannot open the database ${path}: ${problem}`);
}

/**
 * Returns why an empty database may not take the place of a file; undefined when it may, or none is missing.
 * A write-ahead log without its database belongs to a file that was renamed or removed: SQLite would empty
 * the log for the new one, and commits that are in the log only would be lost.
 */
export function findMissed(path: string, mustExist: boolean): string | undefined {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) return undefined;
  if ((statSync(`${targetOf(path)}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0)
    return 'it is missing or empty, and its write-ahead log is there: the database was renamed or removed; put it back beside its log';
  return mustExist
    ? 'it is missing or empty: mount its directory, or restore it from its backup; to begin with an empty one, remove keyring.pin of the home and name it by serve --store'
    : undefined;
}

/** The file that SQLite opens by a path: it follows symbolic links, also to files that are not there. */
function targetOf(path: string): string {
  try {
    return resolve(dirname(path), readlinkSync(path));
  } catch {
    return path;
  }
}

/** Identifies a file whatever its path. */
export function identityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found && `${found.dev}:${found.ino}`;
}

/**
 * Returns why a database file could be opened under another name too; undefined when it could not. SQLite
 * keeps its write-ahead log beside the name by which it opens a file, so two names are two logs, and the file
 * is corrupted (https://www.sqlite.org/howtocorrupt.html, 2.4 and 2.5). SQLite follows symbolic links.
 */
export function findNameProblem(path: string): string | undefined {
  const file = realpathSync(path);
  if (statSync(file).nlink > 1)
    return `it has a second name (a hard link), and SQLite would write a second log beside that; find it with: find / -samefile ${file}; remove the name that has no -wal file beside it`;
  if (mountPoints().has(file))
    return 'it is mounted alone (a bind mount), and SQLite would write a second log beside it; mount its directory instead';
  return undefined;
}

/** The paths where file systems, directories or single files are mounted; none where /proc is missing. */
function mountPoints(): ReadonlySet<string> {
  let table: string;
  try {
    table = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return new Set();
  }
  // proc_pid_mountinfo(5): the fifth field, with white space and backslashes in octal.
  const paths = table.split('\n').flatMap((line) => line.split(' ')[4] ?? []);
  return new Set(
    paths.map((path) =>
      path.replaceAll(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
    ),
  );
}

import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
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
 * @throws {StoreUnavailableError} when that fails, or the file has more than one name.
 */
export function createDatabaseFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', 0o600));
    fsyncParent(path);
  } catch (error) {
    throw new StoreUnavailableError(`cannot open the database ${path}: ${describeSqliteError(error)}`);
  }
  const problem = findNameProblem(path);
  if (problem !== undefined) throw new StoreUnavailableError(`cannot open the database ${path}: ${problem}`);
}

function fsyncParent(path: string): void {
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
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

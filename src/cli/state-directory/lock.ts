import { accessSync, constants, existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CommandError } from '../failure.ts';
import { makeDirectory, type StateDirectory, writeFileAtomically } from './state-directory.ts';

/**
 * The exclusive use of a state directory by one daemon; a second daemon would use the same keys with limits
 * and sessions of its own. Node has no flock, but SQLite has, so an empty database in the state directory is
 * locked exclusively. The kernel releases the lock when the process ends in any way. Only `serve` and `init`
 * take it; other commands run beside the daemon.
 */
export interface StateDirectoryLock {
  release(): void;
}

/**
 * Locks a state directory and creates it where it is missing.
 * @throws {CommandError} when another daemon has locked it.
 */
export function lockStateDirectory(stateDirectory: StateDirectory): StateDirectoryLock {
  makeDirectory(stateDirectory.directory);
  const holder = openExclusively(stateDirectory, 500);
  if (holder === undefined) {
    const pid = readPid(stateDirectory);
    const who = pid === undefined ? 'another kmipd' : `another kmipd (process ${pid})`;
    throw new CommandError(
      `${stateDirectory.directory} is in use by ${who}; stop that one, or give this one its own --home`,
    );
  }
  writeFileAtomically(pidFile(stateDirectory), `${process.pid}\n`, 0o600);
  return {
    release() {
      rmSync(pidFile(stateDirectory), { force: true });
      holder.close();
    },
  };
}

/** Returns the process id of the daemon that holds the lock; undefined when none is running. */
export function runningDaemonPid(stateDirectory: StateDirectory): number | undefined {
  const holder = openExclusively(stateDirectory, 0);
  if (holder === undefined) return readPid(stateDirectory);
  // No process holds the lock, so a recorded process id is stale and may belong to another program by now.
  holder.close();
  return undefined;
}

const sqliteBusy = 5; // SQLITE_BUSY

/**
 * Opens the lock file exclusively; undefined when another process has it. Waits up to `milliseconds` for a
 * command that only checks whether a daemon is running.
 */
function openExclusively(stateDirectory: StateDirectory, milliseconds: number): DatabaseSync | undefined {
  const file = join(stateDirectory.directory, 'kmipd.lock');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: milliseconds });
    database.exec('pragma journal_mode = off; begin exclusive');
    return database;
  } catch (error) {
    database?.close();
    const { errcode, errstr } = error as { errcode?: number; errstr?: string };
    if (errcode === sqliteBusy) return undefined;
    if (errcode === undefined) throw error;
    requireWritable(file);
    throw new CommandError(
      `${file} cannot be used: ${errstr}; look at the disk and at who owns the directory`,
    );
  }
}

/**
 * Requires that this user may write a file and the directory that it is in.
 * @throws the system's error, with `code` and `path`.
 */
function requireWritable(file: string): void {
  accessSync(dirname(file), constants.W_OK | constants.X_OK);
  if (existsSync(file)) accessSync(file, constants.R_OK | constants.W_OK);
}

const pidFile = (stateDirectory: StateDirectory) => join(stateDirectory.directory, 'kmipd.pid');

function readPid(stateDirectory: StateDirectory): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile(stateDirectory), 'utf8'));
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

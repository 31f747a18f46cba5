import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CommandError } from '../failure.ts';
import { makeDirectory, type StateDirectory, writeFileAtomically } from './state-directory.ts';

/**
 * One daemon per home: a second one would answer from the same keys with limits and sessions of its own, and is a
 * mistake. Node has no flock; SQLite has, so an empty database in the home is held exclusively. The kernel lets go when
 * the process dies, however it dies. Only `serve` and `init` ask for it; other commands run beside the daemon.
 */
export interface StateDirectoryLock {
  release(): void;
}

/** Takes a home, creating its directory. Throws CommandError when another daemon has it. */
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

/** Process id of the daemon of a home; undefined when none is running. */
export function runningDaemonPid(stateDirectory: StateDirectory): number | undefined {
  const holder = openExclusively(stateDirectory, 0);
  if (holder === undefined) return readPid(stateDirectory);
  // Nobody has it, so a process id that still lies there is stale and may be anybody's by now.
  holder.close();
  return undefined;
}

const sqliteBusy = 5; // SQLITE_BUSY

/** Undefined when another process has it. Waits a little where a command may only be looking. */
function openExclusively(stateDirectory: StateDirectory, milliseconds: number): DatabaseSync | undefined {
  const database = new DatabaseSync(join(stateDirectory.directory, 'kmipd.lock'), { timeout: milliseconds });
  try {
    database.exec('pragma journal_mode = off; begin exclusive');
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy) return undefined;
    throw error;
  }
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

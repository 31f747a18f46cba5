import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { giveToOwner, writeFileAtomically } from '../../common/durable-file.ts';
import { openExclusively } from '../../common/exclusive-file.ts';
import { readTextFile } from '../../common/regular-file.ts';
import { CommandError } from '../failure.ts';
import { makeDirectory, type StateDirectory } from './state-directory.ts';

/**
 * The exclusive use of a state directory or database by one daemon; a second daemon would use the same keys
 * with limits and sessions of its own. The kernel releases the lock when the process ends in any way. Other
 * commands run beside the daemon and do not take it; those that enrol a client lock another file, see
 * `withEnrolmentLock`.
 */
export interface ProcessLock {
  release(): void;
}

/**
 * Locks a state directory and creates it where it is missing; only `serve` and `init` do.
 * @throws {CommandError} when another daemon has locked it.
 */
export function lockStateDirectory(stateDirectory: StateDirectory): ProcessLock {
  makeDirectory(stateDirectory.directory);
  const base = baseOf(stateDirectory);
  const lock = takeLock(base);
  if (lock !== undefined) return lock;
  const pid = readPid(base);
  const who = pid === undefined ? 'another kmipd' : `another kmipd (process ${pid})`;
  throw new CommandError(
    `${stateDirectory.directory} is in use by ${who}; stop that one, or give this one its own --home`,
  );
}

/** How long a command waits for others that enrol clients: each takes about a second. */
const enrolmentMilliseconds = 60_000;

/**
 * Runs `work`, which enrols a client and writes its files, while no other command does so with this state
 * directory: of two commands for one client or one directory of files, the second finds what the first did.
 * @throws {CommandError} when others take longer than a minute; otherwise as `work`
 */
export async function withEnrolmentLock<T>(
  { directory }: StateDirectory,
  work: () => Promise<T>,
): Promise<T> {
  const file = join(directory, 'clients.lock');
  const holder = openExclusively(file, enrolmentMilliseconds);
  if (holder === undefined)
    throw new CommandError(`another command has been enrolling a client for a minute: ${file} is locked`);
  try {
    giveToOwner(file, directory);
    return await work();
  } finally {
    holder.close();
  }
}

/** How long a command waits for another one that writes. */
const commandMilliseconds = 10_000;

/**
 * Waits until no other command writes to the database, and keeps others from it.
 * @throws {CommandError} when one takes longer than ten seconds.
 */
export function takeCommandLock(stateDirectory: StateDirectory): ProcessLock {
  const lock = tryCommandLock(stateDirectory, commandMilliseconds);
  if (lock !== undefined) return lock;
  const file = commandLockOf(stateDirectory);
  throw new CommandError(`another command has been writing for ten seconds: ${file} is locked; try again`);
}

/** Keeps commands likewise from writing; undefined when one still does after so many milliseconds. */
export function tryCommandLock(stateDirectory: StateDirectory, milliseconds = 0): ProcessLock | undefined {
  const file = commandLockOf(stateDirectory);
  const holder = openExclusively(file, milliseconds);
  if (holder === undefined) return undefined;
  giveToOwner(file, stateDirectory.directory);
  return { release: () => holder.close() };
}

const commandLockOf = ({ directory }: StateDirectory) => join(directory, 'command.lock');

/**
 * Keeps other commands from changing the root of a home.
 * @throws {CommandError} when one is at it.
 */
export function takeRootChangeLock({ directory }: StateDirectory): ProcessLock {
  const file = join(directory, 'root-change.lock');
  const holder = openExclusively(file, 0);
  if (holder === undefined)
    throw new CommandError(`another command changes the root of ${directory}: wait for it, or stop it`);
  giveToOwner(file, directory);
  return { release: () => holder.close() };
}

/** Returns the process id of the daemon that holds the lock; undefined when none is running. */
export function runningDaemonPid(stateDirectory: StateDirectory): number | undefined {
  const base = baseOf(stateDirectory);
  const holder = openExclusively(`${base}.lock`, 0);
  if (holder === undefined) return readPid(base);
  // No process holds the lock, so a recorded process id is stale and may belong to another program by now.
  holder.close();
  return undefined;
}

const baseOf = (stateDirectory: StateDirectory) => join(stateDirectory.directory, 'kmipd');

/**
 * Locks the file `BASE.lock` and writes the process id to `BASE.pid`; undefined when another process has the
 * lock.
 * @throws the system's error, with `code` and `path`, when the files cannot be written.
 */
export function takeLock(base: string): ProcessLock | undefined {
  const holder = openExclusively(`${base}.lock`, 500);
  if (holder === undefined) return undefined;
  writeFileAtomically(`${base}.pid`, `${process.pid}\n`, 0o600);
  return {
    release() {
      rmSync(`${base}.pid`, { force: true });
      holder.close();
    },
  };
}

/** Reads the process id that the holder of a lock has written; undefined when there is none. */
export function readPid(base: string): number | undefined {
  try {
    const pid = Number(readTextFile(`${base}.pid`, 'note'));
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

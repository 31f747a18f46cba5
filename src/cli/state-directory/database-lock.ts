import { spawnSync } from 'node:child_process';
import { closeSync, openSync, realpathSync, statfsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createDatabaseFile, sqliteFileOf } from '../../store/sqlite-file.ts';
import { CommandError } from '../failure.ts';
import { type ProcessLock, readPid, takeLock } from './lock.ts';

/**
 * Locks the SQLite database of a store URL for one daemon, whatever home and path it is used by, and creates
 * the file where it is missing, unless it must exist. Undefined for PostgreSQL, which many nodes share. To be
 * taken before this process opens the database and released after it was closed. See
 * docs/decisions/43-database-file-lock.md.
 * @throws {CommandError} when another daemon has locked it.
 * @throws {StoreUnavailableError} when the file is missed or has more than one name.
 */
export function lockDatabase(url: string, mustExist: boolean): ProcessLock | undefined {
  const path = sqliteFileOf(url);
  if (path === undefined) return undefined;
  createDatabaseFile(resolve(path), mustExist);
  const file = realpathSync(path);
  const lock = lockDatabaseFile(file);
  if (lock === undefined) throw inUse(file);
  return lock;
}

/** As `lockDatabase`, a file that is there; undefined when another process has locked it. */
export function lockDatabaseFile(file: string): ProcessLock | undefined {
  const beside = takeLock(file);
  if (beside === undefined) return undefined;
  const descriptor = openSync(file, 'r');
  const release = () => {
    closeSync(descriptor);
    beside.release();
  };
  if (lockContent(file, descriptor)) return { release };
  release();
  return undefined;
}

function inUse(file: string): CommandError {
  const pid = readPid(file);
  const who = pid === undefined ? `(find its process with: fuser ${file})` : `(process ${pid})`;
  return new CommandError(
    `the database ${file} is in use by another kmipd ${who}; stop that one, or give this one its own --store`,
  );
}

/**
 * Types of network file systems (statfs(2)). There flock(2) takes the locks of fcntl(2) on the whole file,
 * which would lock SQLite out.
 */
const networkFileSystems: ReadonlySet<number> = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB 2
  0x01021997, // 9P
]);

/**
 * Locks the file itself, so that the lock also holds after it was renamed; false when another process has it.
 * Node cannot call flock(2), so `flock` of util-linux locks the open file, which it shares with this process:
 * the lock lasts until this process closes the descriptor or ends. Without `flock` only the lock beside the
 * file holds.
 */
function lockContent(file: string, descriptor: number): boolean {
  if (networkFileSystems.has(statfsSync(file).type >>> 0)) return true;
  const { status } = spawnSync('flock', ['-xn', '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
  return status !== 1;
}

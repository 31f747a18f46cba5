import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { UnusableFileError } from './regular-file.ts';

/** The exclusive use of a file, until it is closed or the process ends in any way. */
export interface ExclusiveFile {
  close(): void;
}

const sqliteBusy = 5; // SQLITE_BUSY

/**
 * Opens a file exclusively, and creates it where it is missing; undefined when somebody else has it, in this
 * process or another one, for longer than `milliseconds`. Waiting stops the thread. Node has no flock, but
 * SQLite has, so the file is an empty database.
 *
 * @throws {UnusableFileError} or the system's error, with `code` and `path`, when it cannot be locked.
 */
export function openExclusively(file: string, milliseconds: number): ExclusiveFile | undefined {
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
    throw new UnusableFileError(
      file,
      `it cannot be locked: ${errstr}; look at the disk and at who owns the directory`,
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

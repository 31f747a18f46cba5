import { closeSync, existsSync, openSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CommandError } from '../cli/failure.ts';
import { synchronise } from '../common/durable-file.ts';
import { describeSqliteError } from '../store/sqlite-connection.ts';
import { lockErasableCopy, unfinishedEnding } from './erasable-copy.ts';

/**
 * The parts of the conversion of a SQLite file that are about the file: the copy of the old database beside
 * it, and the removal of what the old tables leave in it.
 */

/**
 * Space that the conversion needs, as a multiple of the old database: its copy, the new rows beside the old
 * ones, and the temporary file and the log of `vacuum`.
 */
const spaceFactor = 3;
const kibibyte = 1_024;
const mebibyte = 1_024 * kibibyte;
/** Sizes below are said in KiB. */
const minBytesInMebibytes = 10 * mebibyte;
/** `pragma user_version` of a database that has been converted and is not vacuumed yet. */
const unvacuumed = 5;
const busyMilliseconds = 60_000;

/** Sets that mark, in the transaction that completes the conversion. */
export const markUnvacuumed = `pragma user_version = ${unvacuumed}`;

/** The name of the copy of a database. */
export const keptName = (file: string): string => `${file}.first-design`;

/**
 * Keeps a copy of the database `file` under `keptName` (mode 0600) and returns this name. A file that has it
 * already, of an interrupted attempt or of another time, gets a number behind its name.
 *
 * @throws {CommandError} when the file system has not enough space for copy and conversion, or fails, or when
 *   the name of an unfinished copy is that of something else.
 */
export function keepCopy(file: string, freeBytes: (directory: string) => number = readFreeBytes): string {
  const kept = keptName(file);
  const unfinished = `${kept}${unfinishedEnding}`;
  if (existsSync(unfinished)) lockErasableCopy(unfinished).release();
  for (const ending of ['', '-journal']) rmSync(`${unfinished}${ending}`, { force: true });
  requireSpace(file, freeBytes(dirname(file)));
  // SQLite writes into an empty file, which has its mode from the start.
  closeSync(openSync(unfinished, 'wx', 0o600));
  try {
    withDatabase(file, (database) => database.prepare('vacuum into ?').run(unfinished));
    synchronise(unfinished);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw new CommandError(`cannot copy the database to ${kept}: ${describeSqliteError(error)}`);
  }
  if (existsSync(kept)) renameSync(kept, findFreeName(kept));
  renameSync(unfinished, kept);
  synchronise(dirname(kept));
  return kept;
}

function readFreeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

function requireSpace(file: string, free: number): void {
  const log = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const needed = spaceFactor * (statSync(file).size + log);
  if (free >= needed) return;
  // Below some MiB both would have the same number of them.
  const [unit, name] = needed < minBytesInMebibytes ? [kibibyte, 'KiB'] : [mebibyte, 'MiB'];
  throw new CommandError(
    `the database ${file} has to be converted, which needs ${Math.ceil(needed / unit)} ${name} on its file system, and ${Math.floor(free / unit)} ${name} are free: free more, then start again`,
  );
}

function findFreeName(name: string): string {
  for (let number = 1; ; number += 1) if (!existsSync(`${name}.${number}`)) return `${name}.${number}`;
}

/**
 * Whether a database was converted and still has free pages with what was in the old tables. False for a file
 * that cannot be read, which whoever opens it next finds out.
 */
export function isUnvacuumed(file: string): boolean {
  try {
    return withDatabase(file, (database) => {
      const row = database.prepare('pragma user_version').get();
      return row?.user_version === unvacuumed;
    });
  } catch {
    return false;
  }
}

/**
 * Writes the database anew, without the pages of the old tables, and empties its log: nothing of what was in
 * them is in the files afterwards.
 *
 * @throws {CommandError} when another process reads the database all the time, or the file system fails.
 */
export function vacuum(file: string): void {
  try {
    withDatabase(file, (database) => {
      database.exec('pragma journal_mode = wal; pragma synchronous = full');
      // The temporary file may be as large as the database, and /tmp may be memory.
      database.exec(`pragma temp_store_directory = '${dirname(file).replaceAll("'", "''")}'`);
      database.exec('vacuum');
      database.exec("pragma temp_store_directory = ''");
      // Before the mark is removed: a process that is killed in between vacuums again at its next start.
      const [result] = database.prepare('pragma wal_checkpoint(truncate)').all();
      if (result?.busy !== 0) throw new Error('another process reads it');
      database.exec('pragma user_version = 0');
    });
  } catch (error) {
    throw new CommandError(
      `the database ${file} is converted, and the old rows cannot be removed from the file: ${describeSqliteError(error)}; start again`,
    );
  }
}

function withDatabase<T>(file: string, use: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file, { timeout: busyMilliseconds });
  try {
    database.exec('pragma trusted_schema = off');
    return use(database);
  } finally {
    database.close();
  }
}

import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CommandError } from '../cli/failure.ts';
import type { ProcessLock } from '../cli/state-directory/lock.ts';
import { synchronise } from '../common/durable-file.ts';
import { describeFileError } from '../common/regular-file.ts';
import { openDriver } from '../store/open.ts';
import type { SqlDriver } from '../store/sql-driver.ts';
import { sqliteFileOf } from '../store/sqlite-file.ts';
import { besides, findFileProblem, lockErasableCopy, refusal, unfinishedEnding } from './erasable-copy.ts';
import { keptName } from './kept-copy.ts';
import { dropStatements, selectTables } from './schema.ts';

/**
 * What a conversion has left of the old rows, which open every key with the root key: files beside a SQLite
 * database, tables in a PostgreSQL one.
 */

/** Old rows that were kept. */
export interface KeptRows {
  /** Names of files or tables. */
  readonly names: readonly string[];
  /**
   * Removes them for good.
   * @throws {CommandError} when a file cannot be removed
   * @throws {StoreUnavailableError} when the tables cannot be removed
   */
  remove(): Promise<void>;
}

const chunkBytes = 1_048_576;

/**
 * Finds the old rows that were kept of a database in the second design; undefined when there are none.
 * @throws {StoreUnavailableError} when the database cannot be read
 */
export async function findKeptRows(url: string): Promise<KeptRows | undefined> {
  const file = sqliteFileOf(url);
  const found = file === undefined ? await findTables(url) : findFiles(realpathSync(file));
  return found.names.length === 0 ? undefined : found;
}

/** Finds the copies of a SQLite file, those of earlier conversions and interrupted attempts too. */
function findFiles(file: string): KeptRows {
  const directory = dirname(file);
  const copy = new RegExp(
    `^${RegExp.escape(basename(keptName(file)))}(\\.\\d+|\\${unfinishedEnding})?(${besides.join('|')})?$`,
  );
  const names = readdirSync(directory)
    .filter((name) => copy.test(name))
    .map((name) => join(directory, name));
  return {
    names,
    async remove() {
      eraseCopies(names);
      synchronise(directory);
    },
  };
}

/** Erases copies when each of them may be, and none otherwise. */
function eraseCopies(names: readonly string[]): void {
  const isBeside = (name: string) => besides.some((ending) => name.endsWith(ending));
  const copies = names.filter((name) => !isBeside(name));
  const lone = names.find(
    (name) => isBeside(name) && !copies.some((copy) => besides.some((ending) => name === `${copy}${ending}`)),
  );
  if (lone !== undefined) throw refusal(lone, 'the database to which it belongs is not there');
  for (const name of names) {
    const problem = findFileProblem(lstatSync(name));
    if (problem !== undefined) throw refusal(name, problem);
  }
  const locks: ProcessLock[] = [];
  try {
    for (const copy of copies) locks.push(lockErasableCopy(copy));
    // A copy goes last, so that an interrupted removal leaves nothing of which the copy is not there.
    for (const copy of copies)
      for (const ending of [...besides, ''])
        if (existsSync(`${copy}${ending}`)) overwriteAndRemove(`${copy}${ending}`);
  } finally {
    for (const lock of locks) lock.release();
  }
}

/** Removes a file after its bytes, because a file system does not overwrite what it releases. */
function overwriteAndRemove(file: string): void {
  try {
    const descriptor = openSync(file, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(descriptor);
      const problem = findFileProblem(stats);
      if (problem !== undefined) throw refusal(file, problem);
      const zeros = new Uint8Array(chunkBytes);
      for (let at = 0; at < stats.size; )
        at += writeSync(descriptor, zeros, 0, Math.min(chunkBytes, stats.size - at), at);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    rmSync(file);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    // Of a file that is not to be followed, the system says so of every symbolic link.
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') throw refusal(file, 'it is a symbolic link');
    throw new CommandError(`cannot remove ${file}: ${describeFileError(error) ?? (error as Error).message}`);
  }
}

async function findTables(url: string): Promise<KeptRows> {
  const names = await withDriver(url, async (driver) => {
    const tables = new Set((await driver.read(selectTables.postgres, [])).map(({ name }) => name));
    return Object.keys(dropStatements).filter((name) => tables.has(name));
  });
  return {
    names,
    async remove() {
      const steps = names.map((name) => ({ sql: dropStatements[name] ?? '', parameters: [] }));
      const result = await withDriver(url, (driver) => driver.commit({ objects: [], changes: [], steps }));
      if (result !== 'committed') throw new CommandError(`cannot remove the old tables: ${result}`);
    },
  };
}

async function withDriver<T>(url: string, use: (driver: SqlDriver) => Promise<T>): Promise<T> {
  const driver = await openDriver(url, { mustExist: true });
  try {
    return await use(driver);
  } finally {
    await driver.close();
  }
}

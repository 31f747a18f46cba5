import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CommandError } from '../cli/failure.ts';
import { synchronise } from '../common/durable-file.ts';
import { describeFileError } from '../common/regular-file.ts';
import { openDriver } from '../store/open.ts';
import type { SqlDriver } from '../store/sql-driver.ts';
import { sqliteFileOf } from '../store/sqlite-file.ts';
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
    `^${RegExp.escape(basename(keptName(file)))}(\\.\\d+|\\.unfinished)?(-wal|-shm|-journal)?$`,
  );
  const names = readdirSync(directory)
    .filter((name) => copy.test(name))
    .map((name) => join(directory, name));
  return {
    names,
    async remove() {
      for (const name of names) overwriteAndRemove(name);
      synchronise(directory);
    },
  };
}

/** Removes a file after its bytes, because a file system does not overwrite what it releases. */
function overwriteAndRemove(file: string): void {
  try {
    // To write through a link would destroy another file.
    const descriptor = openSync(file, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(descriptor);
      if (!stats.isFile() || stats.nlink !== 1)
        throw new CommandError(`${file} is no file with one name: look at it, and remove it yourself`);
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

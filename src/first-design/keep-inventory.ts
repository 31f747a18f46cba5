import { dirname } from 'node:path';
import { CommandError } from '../cli/failure.ts';
import { giveToOwner, writeFileAtomically } from '../common/durable-file.ts';
import { Progress } from '../common/progress.ts';
import { readRegularFile } from '../common/regular-file.ts';
import type { Read, SqlDriver, SqlRow } from '../store/sql-driver.ts';
import { keyedHash } from '../vault/keyed-hash.ts';
import { confirmation } from './confirmation.ts';
import { Inventory } from './inventory.ts';
import { type OldRow, readOldClients, readOldObjects, readOldRecords } from './old-rows.ts';
import { selectTotals } from './schema.ts';

/** The file with the inventory of a conversion that is not complete, and how it is sealed. */
export interface InventoryPlace {
  readonly file: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** Tells the database, see `describeDatabase`. */
  readonly database: string;
}

/** Returns a keyed hash of the sealing keys of a database of the first design, which it keeps for good. */
export function describeDatabase(sealingKeys: readonly SqlRow[], key: Uint8Array): string {
  const wrapped = sealingKeys.map((row) => `${row.id}:${(row.wrapped as Uint8Array).toHex()}`).sort();
  return keyedHash(key, 'kmipd/2 first design keys', ...wrapped);
}

/**
 * Reads the inventory that an earlier attempt has made; undefined when there is none.
 * @throws {CommandError} when it is damaged or of another database
 * @throws {UnusableFileError} or the system's error when it cannot be read
 */
export function readInventory({ file, key, database }: InventoryPlace): Inventory | undefined {
  let sealed: Uint8Array;
  try {
    sealed = readRegularFile(file, 'inventory');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const inventory = Inventory.open(sealed, key);
  if (inventory === undefined)
    throw new CommandError(
      `${file} is damaged, or of a database under another root key: restore the file from its backup; kmipd serve --convert-first-design discards it and takes all rows as they are now`,
    );
  if (inventory.database !== database)
    throw new CommandError(
      `the conversion that this home has begun is of a database with other sealing keys: another one is in its place; ${confirmation}`,
    );
  return inventory;
}

/**
 * Makes the inventory of all old rows as they are at one moment, and keeps it. `say` receives progress.
 * @throws {CommandError} when rows have no usable number
 * @throws the system's error when the file cannot be written
 */
export async function makeInventory(
  driver: SqlDriver,
  place: InventoryPlace,
  say: (line: string) => void,
): Promise<Inventory> {
  const inventory = await driver.snapshot(async (read) => {
    const [row] = await read(selectTotals, []);
    const counts = { record: Number(row?.record), client: Number(row?.client), object: Number(row?.object) };
    const progress = new Progress(counts.record + counts.client + counts.object, say, 'inventoried');
    return Inventory.of(readOldRows(read, progress), place.database, counts, place.key);
  });
  writeFileAtomically(place.file, inventory.seal(), 0o600);
  giveToOwner(place.file, dirname(place.file));
  return inventory;
}

/** Reads all rows in the order of their conversion, some at a time. */
async function* readOldRows(read: Read, progress: Progress): AsyncGenerator<readonly OldRow[]> {
  for await (const page of readPages(read)) {
    progress.add(page.length);
    yield page.map(({ row }) => row);
  }
}

async function* readPages(read: Read): AsyncGenerator<readonly { readonly row: OldRow }[]> {
  yield* readOldRecords(read);
  const clients = await readOldClients(read);
  if (clients.length > 0) yield clients;
  yield* readOldObjects(read);
}

/**
 * Measures durable inserts per second of the store, by the number of concurrent writers: `node bench/store.ts
 * [URL] [SECONDS]`. Without a URL it measures SQLite in a temporary directory, beside bare SQLite that
 * inserts the same number of bytes as one row.
 */
import { randomBytes, randomUUID, randomUUIDv7 } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ColumnName, objectColumns } from '../src/store/columns.ts';
import { openPostgres } from '../src/store/postgres.ts';
import { createSqlKeyrings } from '../src/store/sql-keyrings.ts';
import { createSqlStore } from '../src/store/sql-store.ts';
import { openSqlite } from '../src/store/sqlite.ts';
import { SqliteConnection } from '../src/store/sqlite-connection.ts';
import type { IndexTerm, StoredObject } from '../src/store/store.ts';
import { openLocalVault } from '../src/vault/local.ts';
import type { SealedKey } from '../src/vault/vault.ts';
import { startLanes } from '../test/store/start-lanes.ts';

const url = process.argv[2] ?? 'sqlite';
const seconds = Number(process.argv[3] ?? 3);
const directory = mkdtempSync(join(tmpdir(), 'kmipd-bench-'));
const concurrencies = [1, 4, 16, 64];

/** Those that a Create sets. */
const columnsOfKey: readonly ColumnName[] = [
  ...(['ObjectType', 'CryptographicAlgorithm', 'CryptographicLength', 'CryptographicUsageMask'] as const),
  ...(['State', 'Fresh', 'InitialDate', 'LastChangeDate', 'OriginalCreationDate'] as const),
  ...(['Sensitive', 'Extractable'] as const),
];
const columns = Object.fromEntries(
  Object.keys(objectColumns).map((name) => [name, columnsOfKey.includes(name as ColumnName) ? 3 : null]),
) as StoredObject['columns'];

/** An object of the size of an AES key with the attributes that a Create sets. */
function createObject(id: string): StoredObject {
  const term = (): IndexTerm => ({ term: randomBytes(6).readUIntBE(0, 6), instance: 0 });
  return {
    ...{ id, group: 'default', objectType: 'SymmetricKey', version: 1, replacedTag: null },
    box: new Uint8Array(randomBytes(400)) as Uint8Array as SealedKey,
    value: null,
    columns,
    // Of name, type of name, object group and its presence, and two Boolean attributes without a column.
    terms: { add: Array.from({ length: 6 }, term), remove: [] },
    uniqueNames: { add: [], remove: [] },
  };
}

/** Calls `write` with `lanes` calls in flight until the time is over; returns calls per second. */
async function measureRate(lanes: number, write: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  let calls = 0;
  const lane = async () => {
    for (; performance.now() - started < seconds * 1000; calls += 1) await write();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return (calls * 1000) / (performance.now() - started);
}

async function measureStore(identifier: () => string): Promise<number[]> {
  const file = join(directory, `${randomUUID()}.db`);
  const driver = url === 'sqlite' ? await openSqlite(file) : await openPostgres(url);
  const keyrings = createSqlKeyrings(driver);
  const rootKeyFile = join(directory, `${randomUUID()}.key`);
  const vault = await openLocalVault({ rootKeyFile, keyrings, refreshSeconds: 0 });
  await startLanes({ lanes: driver.lanes, keyrings }, vault);
  const store = createSqlStore(driver);
  const rates: number[] = [];
  for (const lanes of concurrencies)
    rates.push(
      await measureRate(lanes, () =>
        store.commit({ expects: [], inserts: [createObject(identifier())], updates: [] }),
      ),
    );
  await store.close();
  await vault.close();
  return rates;
}

async function measureBareSqlite(): Promise<number[]> {
  const connection = new SqliteConnection({
    ...{ file: join(directory, 'bare.db'), busyMilliseconds: 0, cacheKibibytes: 32_768 },
  });
  connection.database.exec('create table bare (seq integer primary key, value blob not null) strict');
  const rates: number[] = [];
  for (const rows of concurrencies) {
    const transactions = await measureRate(1, async () => {
      connection.database.exec('begin immediate');
      for (let row = 0; row < rows; row += 1)
        connection.count('insert into bare (value) values ($1)', [randomBytes(900)]);
      connection.database.exec('commit');
    });
    rates.push(transactions * rows);
  }
  connection.close();
  return rates;
}

const printRow = (title: string, rates: readonly number[]) =>
  console.log([title.padEnd(34), ...rates.map((value) => value.toFixed(0).padStart(8))].join(''));

try {
  printRow('durable inserts/s, writers:', concurrencies);
  if (url === 'sqlite') printRow('bare SQLite, one row each', await measureBareSqlite());
  printRow('store, random identifiers', await measureStore(randomUUID));
  printRow('store, identifiers in time order', await measureStore(randomUUIDv7));
} finally {
  rmSync(directory, { recursive: true, force: true });
}

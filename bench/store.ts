/**
 * Measures durable inserts per second of the store, by the number of concurrent writers: `node bench/store.ts
 * [URL] [SECONDS]`. Without a URL it measures SQLite in a temporary directory, beside bare SQLite that
 * inserts the same number of bytes as one row.
 */
import { randomBytes, randomUUID, randomUUIDv7 } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPostgres } from '../src/store/postgres.ts';
import { createSqlKeyrings } from '../src/store/sql-keyrings.ts';
import { createSqlStore } from '../src/store/sql-store.ts';
import { openSqlite } from '../src/store/sqlite.ts';
import { SqliteConnection } from '../src/store/sqlite-connection.ts';
import { openLocalVault } from '../src/vault/local.ts';
import { createFileRoot } from '../src/vault/roots/file-root.ts';
import { startLanes } from '../test/store/start-lanes.ts';
import { createObject, measureRate } from './created-objects.ts';

const url = process.argv[2] ?? 'sqlite';
const seconds = Number(process.argv[3] ?? 3);
const directory = mkdtempSync(join(tmpdir(), 'kmipd-bench-'));
const concurrencies = [1, 4, 16, 64];

async function measureStore(identifier: () => string): Promise<number[]> {
  const file = join(directory, `${randomUUID()}.db`);
  const driver = url === 'sqlite' ? await openSqlite(file) : await openPostgres(url);
  const keyrings = createSqlKeyrings(driver);
  const rootKeyFile = join(directory, `${randomUUID()}.key`);
  const vault = await openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings, refreshSeconds: 0 });
  await startLanes({ lanes: driver.lanes, keyrings }, vault);
  const store = createSqlStore(driver);
  const rates: number[] = [];
  for (const lanes of concurrencies)
    rates.push(
      await measureRate(lanes, seconds, () =>
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
    const transactions = await measureRate(1, seconds, async () => {
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

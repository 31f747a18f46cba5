/**
 * How many objects the store writes durably, by how many ask at once: `node bench/store.ts [URL] [SECONDS]`.
 * Without a URL it measures SQLite in a temporary directory, beside bare SQLite that appends the same bytes
 * as one row.
 */
import { randomBytes, randomUUID, randomUUIDv7 } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPostgres } from '../src/store/postgres.ts';
import { createSqlStore } from '../src/store/sql-store.ts';
import { openSqlite } from '../src/store/sqlite.ts';
import { SqliteConnection } from '../src/store/sqlite-connection.ts';
import type { IndexEntry, StoredObject } from '../src/store/store.ts';
import type { SealedKey } from '../src/vault/vault.ts';

const url = process.argv[2] ?? 'sqlite';
const seconds = Number(process.argv[3] ?? 3);
const directory = mkdtempSync(join(tmpdir(), 'kmipd-bench-'));
const atOnce = [1, 4, 16, 64];

const numbers = [
  ...[
    'ObjectType',
    'CryptographicAlgorithm',
    'CryptographicLength',
    'CryptographicUsageMask',
    'State',
    'Fresh',
  ],
  ...['InitialDate', 'LastChangeDate', 'OriginalCreationDate', 'Sensitive', 'AlwaysSensitive', 'Extractable'],
];

/** As large as an AES key with the attributes that a Create leaves. */
function key(id: string): StoredObject {
  const text = (attribute: string, field: string, value: string): IndexEntry => ({
    ...{ attribute, field, instance: 0, text: value, number: null },
  });
  return {
    ...{ id, group: 'default', objectType: 'SymmetricKey', version: 1, uniqueKeys: [] },
    attributes: randomBytes(300),
    sealed: new Uint8Array(randomBytes(65)) as Uint8Array as SealedKey,
    index: [
      text('UniqueIdentifier', '', id),
      text('Name', 'NameValue', `key ${id}`),
      text('ObjectGroup', '', 'default'),
      ...numbers.map((attribute) => ({ attribute, field: '', instance: 0, text: null, number: 3 })),
    ],
  };
}

/** Calls `write` from `lanes` places at once until the time is over; gives calls per second. */
async function rate(lanes: number, write: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  let calls = 0;
  const lane = async () => {
    for (; performance.now() - started < seconds * 1000; calls += 1) await write();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return (calls * 1000) / (performance.now() - started);
}

async function storeRates(identifier: () => string): Promise<number[]> {
  const file = join(directory, `${randomUUID()}.db`);
  const driver = url === 'sqlite' ? await openSqlite(file) : await openPostgres(url);
  const store = createSqlStore(driver);
  const rates: number[] = [];
  for (const lanes of atOnce)
    rates.push(
      await rate(lanes, () => store.commit({ expects: [], inserts: [key(identifier())], updates: [] })),
    );
  await store.close();
  return rates;
}

async function bareRates(): Promise<number[]> {
  const connection = new SqliteConnection({
    ...{ file: join(directory, 'bare.db'), busyMilliseconds: 0, cacheKibibytes: 32_768 },
  });
  connection.database.exec('create table bare (seq integer primary key, value blob not null) strict');
  const rates: number[] = [];
  for (const rows of atOnce) {
    const transactions = await rate(1, async () => {
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

const row = (title: string, rates: readonly number[]) =>
  console.log([title.padEnd(34), ...rates.map((value) => value.toFixed(0).padStart(8))].join(''));

try {
  row('durable inserts/s, at once:', atOnce);
  if (url === 'sqlite') row('bare SQLite, one row each', await bareRates());
  row('store, random identifiers', await storeRates(randomUUID));
  row('store, identifiers in time order', await storeRates(randomUUIDv7));
} finally {
  rmSync(directory, { recursive: true, force: true });
}

import { randomBytes } from 'node:crypto';
import type { LaneDriver } from '../../src/store/lane-driver.ts';
import { type Database, type DatabaseOptions, openDatabase } from '../../src/store/open.ts';
import { createSqlKeyrings } from '../../src/store/sql-keyrings.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { HashingVault } from './hashing-vault.ts';

/** Lets a test write to a database, as a process of its own without an anchor. */
export async function startLanes(
  { lanes, keyrings }: Pick<Database, 'lanes' | 'keyrings'>,
  vault: Vault = new HashingVault(),
): Promise<void> {
  await lanes.start({
    ...{ vault, keyrings, name: randomBytes(6).toString('hex') },
    anchors: { read: async () => [], write: async () => {} },
    observer: { rolledBack() {}, displaced() {}, anchored() {}, notAnchored() {} },
  });
}

/** Lets a test write over a driver. */
export async function withLanes(driver: LaneDriver): Promise<LaneDriver> {
  await startLanes({ lanes: driver.lanes, keyrings: createSqlKeyrings(driver) });
  return driver;
}

/** Opens a database that a test writes to. */
export async function openWritable(url: string, options?: DatabaseOptions): Promise<Database> {
  const database = await openDatabase(url, options);
  await startLanes(database);
  return database;
}

import type { Test } from 'tap';
import { exactInteger } from '../../src/store/cells.ts';
import type { LaneDriver } from '../../src/store/lane-driver.ts';
import type { Anchor, AnchorStore } from '../../src/store/lanes/anchor.ts';
import { openLane, selectLanes, sumLanes, toLaneRow } from '../../src/store/lanes/open-lane.ts';
import { SetHash, segmentOf } from '../../src/store/lanes/set-hash.ts';
import type { SqlDriver, SqlValue } from '../../src/store/sql-driver.ts';
import { createSqlKeyrings } from '../../src/store/sql-keyrings.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import type { Store } from '../../src/store/store.ts';
import { boxTag, type SealedKey } from '../../src/vault/vault.ts';
import { HashingVault } from './hashing-vault.ts';

/** A process that writes to a database with lanes, and what tests see of them. */

/** An anchor in memory. */
export class MemoryAnchors implements AnchorStore {
  anchors: readonly Anchor[] = [];

  async read(stores: readonly string[]): Promise<readonly Anchor[]> {
    return this.anchors.filter(({ store }) => stores.includes(store));
  }

  async write(anchor: Anchor): Promise<void> {
    this.anchors = [anchor];
  }
}

export interface LaneTestProcess {
  readonly driver: LaneDriver;
  readonly store: Store;
  readonly vault: HashingVault;
  readonly anchors: MemoryAnchors;
  /** What the observer was told, in order. */
  readonly events: string[];
}

/** Starts the lanes of a process over a driver that was just opened. */
export async function startProcess(
  t: Test,
  driver: LaneDriver,
  {
    name = 'node',
    anchors = new MemoryAnchors(),
    vault = new HashingVault(),
    keyrings = createSqlKeyrings(driver),
  } = {},
): Promise<LaneTestProcess> {
  t.teardown(() => driver.close());
  const events: string[] = [];
  await driver.lanes.start({
    ...{ vault, name, anchors, keyrings },
    observer: {
      rolledBack: (why) => events.push(`rolled back: ${why}`),
      displaced: (why) => events.push(`displaced: ${why}`),
      anchored: () => events.push('anchored'),
      notAnchored: (why) => events.push(`not anchored: ${why}`),
    },
  });
  return { driver, store: createSqlStore(driver), vault, anchors, events };
}

/** Runs statements as somebody else would who can write to the database. */
export async function runSql(driver: SqlDriver, ...statements: [string, ...SqlValue[]][]) {
  const steps = statements.map(([sql, ...parameters]) => ({ sql, parameters }));
  const result = await driver.commit({ objects: [], changes: [], steps });
  if (result !== 'committed') throw new Error(`the statements gave ${result}`);
}

/** The segments in which the rows of a database and the sum of its lanes differ. */
export function wrongSegments(driver: SqlDriver, vault = new HashingVault()): Promise<readonly number[]> {
  const all =
    `select 'managed_object' as tab, id, '' as kind, ${exactInteger('version')} as version, box from managed_object` +
    ` union all select 'sealed_record', key, kind, ${exactInteger('version')}, box from sealed_record`;
  return driver.snapshot(async (read) => {
    const stated = sumLanes((await read(selectLanes, [])).map((row) => openLane(toLaneRow(row), vault)));
    const present = new SetHash();
    for (const { tab, id, kind, version, box } of await read(all, [])) {
      const element = vault.element(String(tab), String(id), Number(version), boxTag(box as SealedKey));
      present.add(segmentOf(String(id), String(kind)), element);
    }
    return stated.differences(present);
  });
}

/** Number of the last commit of a lane; undefined when it has no row. */
export async function laneSeq(driver: SqlDriver, name = 'node'): Promise<number | undefined> {
  const rows = (await driver.read(selectLanes, [])).map(toLaneRow);
  return rows.find((row) => row.name === name)?.seq;
}

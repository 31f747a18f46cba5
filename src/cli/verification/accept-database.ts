import { randomInt } from 'node:crypto';
import { toChainEntries } from '../../audit/entry-text.ts';
import { ManagedObject } from '../../object/managed-object.ts';
import { indexChange, indexesOf } from '../../object/search-index.ts';
import { appendEntries, startChain } from '../../store/audit/audit-block.ts';
import { endChains } from '../../store/audit/ended-chains.ts';
import { encodeLane } from '../../store/lanes/lane-content.ts';
import type { LaneRow } from '../../store/lanes/lane-history.ts';
import { isGenuine, nodeOf, type OpenLane, openLane } from '../../store/lanes/open-lane.ts';
import type { SetHash } from '../../store/lanes/set-hash.ts';
import type { Database } from '../../store/open.ts';
import type { Snapshot, SnapshotObject } from '../../store/snapshot.ts';
import type { SqlStep } from '../../store/sql-driver.ts';
import type { LocalVault } from '../../vault/local-vault.ts';
import { SealBrokenError, type Vault } from '../../vault/vault.ts';
import { type Verification, verifyRows } from './verify-rows.ts';

/** The database that is accepted; nobody else writes to it. */
interface AcceptedDatabase extends Pick<Database, 'snapshot' | 'repair' | 'keyrings'> {
  readonly vault: LocalVault;
}

export interface AcceptOptions {
  /** Name of the lane that states the rows from now on. */
  readonly lane: string;
  readonly uniqueNames: boolean;
}

/** Numbers of rows. */
interface AcceptedRows {
  readonly objects: number;
  readonly records: number;
  readonly renumbered: number;
  /** Of those that did not open or were put back. */
  readonly removed: number;
}

/**
 * Makes the database as it is the one that kmipd expects: gives new numbers to rows with impossible ones,
 * removes the rows that do not open or were put back and the records of removed nodes, builds a wrong index
 * anew, and states the rest in one lane. Each step may be repeated after an interruption.
 *
 * @param found what `verifyDatabase` has found
 * @throws {StoreUnavailableError} when the database fails
 */
export async function acceptDatabase(
  database: AcceptedDatabase,
  found: Verification,
  options: AcceptOptions,
): Promise<AcceptedRows> {
  const { snapshot, repair, keyrings, vault } = database;
  const verify = () => snapshot((rows) => verifyRows(rows, vault, async () => {}));
  const renumbered = await repair.renumber(found.sequences);
  const { altered, isIndexWrong } = renumbered === 0 ? found : await verify();
  await repair.removeRows(altered);
  if (isIndexWrong || altered.some(({ table }) => table === 'managed_object'))
    await rebuildIndex(database, options.uniqueNames);
  await repair.removeFolds();
  const { objects, records, present } = await verify();
  const lanes = await snapshot(async (rows) => openGenuineLanes(await rows.typedLanes(), vault));
  // No lane of before is to be put back, with the rows that it had. Those that are replaced may also have
  // stated too few boxes of their epoch. They do not open afterwards.
  await vault.endLanes();
  const keyring = (await keyrings.read())?.generation ?? 0;
  const { lane, log } = sealLane(options.lane, { rows: present, keyring, lanes }, vault);
  await repair.replaceLanes(lane, log);
  return { objects, records, renumbered, removed: altered.length };
}

/** Returns the lanes that open; the others are what an operator accepts as lost. */
function openGenuineLanes(rows: readonly LaneRow[], vault: Vault): readonly OpenLane[] {
  return rows.filter((row) => isGenuine(row, vault)).map((row) => openLane(row, vault));
}

/** What the one lane states. */
interface AcceptedLane {
  readonly rows: SetHash;
  readonly keyring: number;
  /** The lanes that it replaces. */
  readonly lanes: readonly OpenLane[];
}

/** Returns the lane, and the statements for what it adds to its chain of the audit log. */
function sealLane(
  name: string,
  { rows, keyring, lanes }: AcceptedLane,
  vault: Vault,
): { readonly lane: LaneRow; readonly log: readonly SqlStep[] } {
  const era = randomInt(1, 2 ** 48 - 1);
  const seq = 1;
  const time = Date.now();
  const { sealCounter, rootsAtHand: roots } = vault;
  const own = lanes.find((lane) => lane.name === name)?.content.audit;
  const others = lanes.filter((lane) => lane.content.audit !== own);
  const accepted = { operation: 'vault.accept', result: 'Success', details: { keyring } };
  const entries = [
    ...endChains(others, name),
    ...toChainEntries({ time, kind: 'management', node: nodeOf(name), items: [accepted] }),
  ];
  const chain = own ?? startChain();
  const added = appendEntries(chain, entries, { vault, time });
  const audit = { ...added.chain, journal: own?.journal ?? 0 };
  const written = Math.floor(time / 1000);
  const seals = sealCounter.own;
  const content = encodeLane({ keyring, roots, seals, written, rows, seen: [], audit, policy: undefined });
  const box = vault.seal({ kind: 'lane', name, seq, era }, content);
  return { lane: { name, seq, era, box }, log: added.steps };
}

async function rebuildIndex(
  { snapshot, repair, vault }: AcceptedDatabase,
  uniqueNames: boolean,
): Promise<void> {
  await repair.clearIndex();
  await snapshot(async (all: Snapshot) => {
    for (let last = 0; ; ) {
      const page = await all.objects(last);
      if (page.length === 0) return;
      await repair.writeIndex(page.flatMap((row) => indexOf(row, vault, uniqueNames)));
      last = page.at(-1)?.seq ?? last;
    }
  });
}

/** Returns the index of an object; none of one that does not open. */
function indexOf(row: SnapshotObject, vault: Vault, uniqueNames: boolean) {
  try {
    const object = ManagedObject.fromStored(row, vault);
    return [{ id: row.id, ...indexChange(object, undefined, indexesOf(vault, row.box), { uniqueNames }) }];
  } catch (error) {
    if (error instanceof SealBrokenError) return [];
    throw error;
  }
}

import { EventLoopYield } from '../../common/event-loop-yield.ts';
import { LaneHistory } from '../../store/lanes/lane-history.ts';
import { identifyStore } from '../../store/lanes/lanes.ts';
import { LaneForgedError, openLane } from '../../store/lanes/open-lane.ts';
import type { Database } from '../../store/open.ts';
import type { Snapshot } from '../../store/snapshot.ts';
import type { Vault } from '../../vault/vault.ts';
import { createAnchorFiles } from '../state-directory/anchor-files.ts';
import type { StateDirectory } from '../state-directory/state-directory.ts';
import { type Verification, verifyRows } from './verify-rows.ts';

/** The database that is verified; its vault is unsealed. */
interface VerifiedDatabase extends Pick<Database, 'snapshot'> {
  readonly vault: Vault;
}

/**
 * Verifies all rows of a database as they are at one moment, and that this is no earlier moment than the
 * processes of the state directory have seen.
 *
 * @param pause is awaited after each page of rows; it lets other events be handled when left out
 * @throws {StoreUnavailableError} when the database cannot be read
 * @throws {AnchorUnreadableError} when an anchor is damaged
 */
export async function verifyDatabase(
  { anchors }: StateDirectory,
  { snapshot, vault }: VerifiedDatabase,
  pause: () => Promise<void> = createPause(),
): Promise<Verification> {
  const history = new LaneHistory();
  // Before the snapshot, so that it is not older because of what is written meanwhile.
  const seen = await createAnchorFiles(Object.values(anchors), anchors.command).read(identifyStore(vault));
  for (const { lanes } of seen) history.learn(lanes);
  return snapshot(async (rows) => {
    const result = await verifyRows(rows, vault, pause);
    const problem = await findRollback(rows, vault, history);
    return problem === undefined ? result : { ...result, problems: [problem, ...result.problems] };
  });
}

async function findRollback(rows: Snapshot, vault: Vault, history: LaneHistory): Promise<string | undefined> {
  try {
    return history.findRollback((await rows.lanes()).map((row) => openLane(row, vault)));
  } catch (error) {
    // `verifyRows` reports it.
    if (error instanceof LaneForgedError) return undefined;
    throw error;
  }
}

function createPause(): () => Promise<void> {
  const loop = new EventLoopYield();
  return async () => {
    if (loop.isDue) await loop.yield();
  };
}

import type { Anchor } from '../../store/lanes/anchor.ts';
import { LaneHistory, type LaneRow } from '../../store/lanes/lane-history.ts';
import { findOlderKeyring, LaneForgedError, openLane, openLanes } from '../../store/lanes/open-lane.ts';
import type { Snapshot } from '../../store/snapshot.ts';
import type { Vault } from '../../vault/vault.ts';
import { createAnchorFiles } from './anchor-files.ts';
import type { StateDirectory } from './state-directory.ts';

/** The comparison of a snapshot of a database with the anchors of a state directory. */

/**
 * Reads the anchors of a database. To be called before the snapshot, so that this is not older because of
 * what is written meanwhile.
 *
 * @throws {AnchorUnreadableError} when an anchor is damaged
 */
export function readAnchorsOf({ anchors }: StateDirectory, vault: Vault): Promise<readonly Anchor[]> {
  return createAnchorFiles(Object.values(anchors), anchors.command).read(vault.storeNames);
}

/**
 * Returns why a snapshot cannot follow the anchors, nor what its lanes have seen of each other, a line for
 * the operator. A forged lane is not compared: whoever sums the lanes up finds it.
 *
 * @throws {StoreUnavailableError} when the database cannot be read
 */
export async function findSnapshotRollback(
  rows: Pick<Snapshot, 'lanes' | 'foldedLanes' | 'keyring'>,
  vault: Vault,
  anchors: readonly Anchor[],
): Promise<string | undefined> {
  const open = (row: LaneRow) => openLane(row, vault);
  const lanes = await ifGenuine(async () => openLanes(await rows.lanes(), open));
  if (typeof lanes === 'string') return undefined;
  const states = [...anchors, ...lanes.map(({ content }) => content)];
  const history = new LaneHistory();
  for (const anchor of anchors) history.learn(anchor.lanes);
  const folded = rows.foldedLanes();
  const learned = await ifGenuine(() => folded.compare(history, [], vault, open));
  if (typeof learned === 'string') return learned;
  return (
    findOlderKeyring(await rows.keyring(), states) ??
    history.findRollback(lanes, (name) => folded.lastOf(name))
  );
}

/** Resolves to what `work` does, or to why a row was not written by kmipd. */
async function ifGenuine<T>(work: () => Promise<T>): Promise<T | string> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LaneForgedError) return error.message;
    throw error;
  }
}

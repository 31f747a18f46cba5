import { boxEpoch, type Vault } from '../../vault/vault.ts';
import type { SqlUnit } from '../sql-driver.ts';
import type { LaneWriter } from './lane-writer.ts';

/**
 * Lanes of processes that write nothing are sealed anew when the epoch changes, because the one before cannot
 * be retired while a lane needs it, and when they state another keyring or other roots than the process has,
 * because a root ends when every node has the next one.
 */

/** A unit that writes nothing but the lane of its connection. */
export const laneRenewal: SqlUnit = { objects: [], changes: [], steps: [], renewsLane: true };

/** What the lanes of a process are to be sealed under, and to state. */
export interface LaneKnowledge {
  readonly vault: Pick<Vault, 'currentEpoch' | 'rootsAtHand'>;
  /** Generation of the stored keyring. */
  readonly keyring: number;
}

/** Writers whose lane is being renewed: one that waits for a lock needs no second renewal. */
const renewing = new WeakSet<LaneWriter>();

/**
 * Renews the lanes that are outdated. The comparison of the next second tries again what has failed.
 * @param writers by the suffix of their connection
 */
export function renewOutdated(
  writers: ReadonlyMap<string, LaneWriter>,
  { vault: { currentEpoch, rootsAtHand }, keyring }: LaneKnowledge,
  renew: (suffix: string) => Promise<unknown>,
): void {
  const roots = rootsAtHand.toSorted().join();
  for (const [suffix, writer] of writers) {
    const { row, statement } = writer;
    if (row === undefined || renewing.has(writer)) continue;
    const isCurrent = statement.keyring >= keyring && statement.roots.toSorted().join() === roots;
    if (isCurrent && boxEpoch(row.box) >= currentEpoch) continue;
    renewing.add(writer);
    renew(suffix)
      .catch(() => {})
      .finally(() => renewing.delete(writer));
  }
}

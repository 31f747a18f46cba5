import { boxEpoch, type Vault } from '../../vault/vault.ts';
import type { SqlUnit } from '../sql-driver.ts';
import type { LaneWriter } from './lane-writer.ts';

/**
 * Lanes of processes that write nothing are sealed anew when the epoch changes: the one before cannot be
 * retired while a lane needs it.
 */

/** A unit that writes nothing but the lane of its connection. */
export const laneRenewal: SqlUnit = { objects: [], changes: [], steps: [], renewsLane: true };

/**
 * Renews the lanes that are sealed under an older epoch than the current one. The comparison of the next
 * second tries again what has failed.
 * @param writers by the suffix of their connection
 */
export function renewOutdated(
  writers: ReadonlyMap<string, LaneWriter>,
  { currentEpoch }: Vault,
  renew: (suffix: string) => Promise<unknown>,
): void {
  for (const [suffix, { row }] of writers)
    if (row !== undefined && boxEpoch(row.box) < currentEpoch) renew(suffix).catch(() => {});
}

import { boxEpoch, type Vault } from '../../vault/vault.ts';
import type { SqlUnit } from '../sql-driver.ts';
import { encodeLane } from './lane-content.ts';
import type { LaneWriter } from './lane-writer.ts';
import type { OpenLane } from './open-lane.ts';

/**
 * Lanes of processes that write nothing are sealed anew when the epoch changes, because the one before cannot
 * be retired while a lane needs it, and when they state another keyring or other roots than the process has,
 * because a root ends when every node has the next one.
 */

/** A unit that writes nothing but the lane of its connection. */
export const laneRenewal: SqlUnit = { objects: [], changes: [], steps: [], renewsLane: true };

/** Whether a unit needs the lane of its connection. */
export function changesLane({ changes, renewsLane = false, audit = [] }: SqlUnit): boolean {
  return renewsLane || changes.length > 0 || audit.length > 0;
}

const resealLane = 'update lane set seq = $2, box = $3 where name = $1 and seq = $4 and box = $5';

/**
 * Returns the unit that seals lanes anew whose processes do not run, with what they state; `conflict` when
 * one has moved.
 */
export function resealUnit(lanes: readonly OpenLane[], vault: Vault): SqlUnit {
  const steps = lanes.map(({ name, row, content }) => {
    const seq = row.seq + 1;
    const box = vault.seal({ kind: 'lane', name, seq, era: row.era }, encodeLane(content));
    return { sql: resealLane, parameters: [name, seq, box, row.seq, row.box], rows: 1 as const };
  });
  return { ...laneRenewal, steps };
}

/** What the lanes of a process are to be sealed under, and to state. */
export interface LaneKnowledge {
  readonly vault: Pick<Vault, 'currentEpoch' | 'rootsAtHand'>;
  /** Generation of the stored keyring. */
  readonly keyring: number;
  /** As `LaneContent.policy`. */
  readonly policy: string | undefined;
}

/** Writers whose lane is being renewed: one that waits for a lock needs no second renewal. */
const renewing = new WeakSet<LaneWriter>();

/**
 * Renews the lanes that are outdated. The comparison of the next second tries again what has failed.
 * @param writers by the suffix of their connection
 */
export function renewOutdated(
  writers: ReadonlyMap<string, LaneWriter>,
  { vault: { currentEpoch, rootsAtHand }, keyring, policy }: LaneKnowledge,
  renew: (suffix: string) => Promise<unknown>,
): void {
  const roots = rootsAtHand.toSorted().join();
  for (const [suffix, writer] of writers) {
    const { row, statement } = writer;
    if (row === undefined || renewing.has(writer)) continue;
    const hasRoots = statement.roots.toSorted().join() === roots;
    const isCurrent =
      statement.keyring >= keyring && hasRoots && (policy ?? statement.policy) === statement.policy;
    if (isCurrent && boxEpoch(row.box) >= currentEpoch) continue;
    renewing.add(writer);
    renew(suffix)
      .catch(() => {})
      .finally(() => renewing.delete(writer));
  }
}

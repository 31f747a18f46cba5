import { maintenanceActs } from './maintenance.ts';
import type { KillReport } from './report.ts';

/** Checks that a campaign did every act, and met some of them by kills. */
export function checkMaintenance(
  t: Pick<typeof import('tap').t, 'ok' | 'equal'>,
  { acts, purged }: KillReport,
): void {
  for (const { name } of maintenanceActs) {
    const { ran = 0, acknowledged = 0, cutOff = 0 } = acts.get(name) ?? {};
    t.ok(ran > 1, `${name}: ${ran} times, under kills too`);
    t.ok(acknowledged > 0, `${name}: ${acknowledged} times to its end`);
    t.equal(acknowledged + cutOff, ran, `${name}: each was acknowledged or cut off`);
  }
  const cutOff = [...acts.values()].reduce((sum, counts) => sum + counts.cutOff, 0);
  t.ok(cutOff > 0, `${cutOff} acts were cut off`);
  t.ok(purged > 100, `${purged} objects were purged`);
}

import type { LaneObserver } from '../store/lanes/lane-ports.ts';
import type { Logger } from '../watch/log.ts';
import type { Metrics } from '../watch/metrics.ts';
import { RepeatedLines } from '../watch/repeated-lines.ts';

/** Alarms the operator when the daemon stops writing to a database that was put back or forged. */
export function reportLanes(
  log: Logger,
  metrics: Pick<Metrics, 'rollback'>,
  clock: () => number,
): LaneObserver {
  const lines = new RepeatedLines(clock);
  return {
    rolledBack(why) {
      metrics.rollback();
      log.error(why);
    },
    displaced: (why) => log.error(why),
    anchored: () =>
      log.warn('the state of the database is remembered from now on; there was no anchor of it'),
    notAnchored(error) {
      if (lines.take('') !== undefined)
        log.error({ error }, 'the anchor cannot be written: a database that is put back later is not found');
    },
  };
}

import type { LaneObserver } from '../store/lanes/lane-ports.ts';
import type { Logger } from '../watch/log.ts';
import type { Metrics } from '../watch/metrics.ts';

/** Alarms the operator when the daemon stops writing to a database that was put back or forged. */
export function reportLanes(log: Logger, metrics: Pick<Metrics, 'rollback'>): LaneObserver {
  return {
    rolledBack(why) {
      metrics.rollback();
      log.error(why);
    },
    displaced: (why) => log.error(why),
    anchored: () =>
      log.warn('the state of the database is remembered from now on; there was no anchor of it'),
  };
}

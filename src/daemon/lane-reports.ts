import type { LaneObserver } from '../store/lanes/lane-ports.ts';
import type { Logger } from '../watch/log.ts';
import type { Metrics } from '../watch/metrics.ts';
import { RepeatedLines } from '../watch/repeated-lines.ts';

/** The reports of the lanes, and what they have said of writing. */
export interface LaneReports extends LaneObserver {
  /** One line that says why the daemon writes nothing any more; undefined while it writes. */
  readonly stopped: string | undefined;
}

/**
 * Alarms the operator when the daemon stops writing: to a database that was put back or forged, after its
 * node was removed, and when another process writes as this one.
 */
export function reportLanes(
  log: Logger,
  metrics: Pick<Metrics, 'rollback' | 'writesStopped'>,
  clock: () => number,
): LaneReports {
  const lines = new RepeatedLines(clock);
  let stopped: string | undefined;
  const stop = (why: string) => {
    stopped ??= why;
    metrics.writesStopped();
    log.error(why);
  };
  return {
    get stopped() {
      return stopped;
    },
    rolledBack(why) {
      metrics.rollback();
      stop(why);
    },
    displaced: stop,
    anchored: () =>
      log.warn('the state of the database is remembered from now on; there was no anchor of it'),
    notAnchored(error) {
      if (lines.take('') !== undefined)
        log.error({ error }, 'the anchor cannot be written: a database that is put back later is not found');
    },
  };
}

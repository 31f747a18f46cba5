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
  metrics: Pick<Metrics, 'rollback' | 'writesStopped' | 'otherPolicies'>,
  clock: () => number,
): LaneReports {
  const lines = new RepeatedLines(clock);
  let stopped: string | undefined;
  /** Nodes with other roles; of the last line. */
  let differing = '';
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
    policies(nodes) {
      metrics.otherPolicies(nodes.length);
      const names = nodes.join(', ');
      if (names === differing) return;
      differing = names;
      if (names === '') log.info('all nodes state the same roles');
      else
        log.warn(
          { nodes: names },
          'other nodes stated other roles when they wrote last: compare kmipd role list on each, or remove those that are gone',
        );
    },
    anchored: () =>
      log.warn('the state of the database is remembered from now on; there was no anchor of it'),
    notAnchored(error) {
      if (lines.take('') !== undefined)
        log.error({ error }, 'the anchor cannot be written: a database that is put back later is not found');
    },
  };
}

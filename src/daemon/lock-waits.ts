import type { LockWait } from '../store/store.ts';
import type { Logger } from '../watch/log.ts';
import { RepeatedLines } from '../watch/repeated-lines.ts';

/** Logs commits that wait for an application beside kmipd at warn, each lock once a minute. */
export function logLockWaits(log: Logger, clock: () => number): (wait: LockWait) => void {
  const lines = new RepeatedLines(clock);
  return ({ rows, sessions }) => {
    const object = rows.join(', ') || 'unknown';
    const by = sessions.join('; ') || 'unknown';
    if (lines.take(`${object}\n${by}`) !== undefined)
      log.warn({ object, by }, 'a commit waits for rows that another session of the database has locked');
  };
}

import type { ManagedNodes } from './managed-nodes.ts';

/**
 * Returns the time by which it is judged whether something has ended, in POSIX seconds: the latest of the
 * clock (milliseconds) and what lanes of the database state. A clock that was set back brings nothing back.
 */
export async function readLatestTime(nodes: Pick<ManagedNodes, 'list'>, clock = Date.now): Promise<number> {
  const written = (await nodes.list()).map(({ writtenAt }) => writtenAt ?? 0);
  return Math.max(Math.floor(clock() / 1000), ...written);
}

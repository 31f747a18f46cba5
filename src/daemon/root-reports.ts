import type { RootsInUse } from '../vault/keyring-place.ts';
import type { Logger } from '../watch/log.ts';

/** Logs which roots the database has, when they change, and which of them are not at hand here. */
export function reportRoots(log: Pick<Logger, 'info' | 'warn'>): (roots: RootsInUse) => void {
  let isMoving = false;
  let isMissing = false;
  return ({ live, atHand, problems }) => {
    const nameOf = ({ id, uri }: RootsInUse['live'][number]) => `${uri} (${id})`;
    const missing = live.filter(({ id }) => !atHand.includes(id)).map(nameOf);
    if (live.length > 1 && missing.length > 0)
      log.warn(
        { reason: problems.join('; ') },
        `the database moves to another root, and this node has not got ${missing.join(', ')}: add it to [vault] root, or bring it back, and send SIGHUP`,
      );
    else if (live.length > 1)
      log.info(`the database moves to another root; this node has both: ${live.map(nameOf).join(', ')}`);
    else if (missing.length > 0)
      log.warn(
        { reason: problems.join('; ') },
        'the root of the database is not at hand any more: the next start would be sealed; bring it back',
      );
    else if (isMoving || isMissing || problems.length > 0)
      log.info({ reason: problems.join('; ') }, `the root of the database is ${live.map(nameOf).join(', ')}`);
    isMoving = live.length > 1;
    isMissing = missing.length > 0;
  };
}

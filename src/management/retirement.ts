import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagementBackends } from './api.ts';
import { ManagementError } from './errors.ts';
import type { VerifiedRows } from './managed-vault.ts';

/** How long one call waits for the verification; callers wait for an answer for a minute. */
const maxWaitMilliseconds = 20_000;

interface Retirement {
  readonly epoch: number;
  readonly verification: Promise<VerifiedRows>;
}

/** The verification that runs in this process. */
let running: Retirement | undefined;

/**
 * Ends the epochs below one, when a verification of all rows and lanes finds nothing wrong and none of them
 * sealed under these: whoever hides a row from a count could else make it unreadable for good. Resolves to
 * null while the verification is at work; it is to be called again then.
 *
 * @throws {ManagementError} when the verification finds something, or a node has written nothing since the
 *   epoch began
 */
export async function retireEpochs(
  backends: Pick<ManagementBackends, 'control' | 'nodes' | 'verify'>,
  epoch: number,
): Promise<readonly number[] | null> {
  await requireLanes(backends, epoch);
  if (running?.epoch !== epoch) running = { epoch, verification: backends.verify() };
  const { verification } = running;
  verification.catch(() => {});
  const verified = await Promise.race([
    verification.finally(() => {
      if (running?.verification === verification) running = undefined;
    }),
    sleep(maxWaitMilliseconds, undefined, { ref: false }),
  ]);
  if (verified === undefined) return null;
  const { problems, oldestEpoch } = verified;
  if (problems.length > 0)
    throw new ManagementError(
      `nothing was retired, because a verification found ${problems.length} problems (${problems[0]}): see kmipd verify`,
    );
  if (oldestEpoch < epoch)
    throw new ManagementError(
      `rows are sealed under epoch ${oldestEpoch}: kmipd vault rewrap seals them anew`,
    );
  await requireLanes(backends, epoch);
  return backends.control.retire(epoch);
}

async function requireLanes({ nodes }: Pick<ManagementBackends, 'nodes'>, epoch: number): Promise<void> {
  const late = (await nodes.list()).filter(({ oldestEpoch }) => oldestEpoch < epoch);
  if (late.length > 0)
    throw new ManagementError(
      `nodes have written nothing since the epoch began: ${late.map(({ name }) => name).join(', ')}; start kmipd there for a moment, or remove those that are gone with kmipd node remove`,
    );
}

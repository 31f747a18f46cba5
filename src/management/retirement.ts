import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagementBackends } from './api.ts';
import { ManagementError } from './errors.ts';
import type { ManagedVault, Retirement, VerifiedRows } from './managed-vault.ts';

/** How long one call waits for the verification; callers wait for an answer for a minute. */
const maxWaitMilliseconds = 20_000;
/** How long the result of a verification waits for its caller. */
const maxResultMilliseconds = 10_000;

interface Running {
  readonly epoch: number;
  readonly verification: Promise<VerifiedRows>;
}

/** The verifications that run, or have just ended, by the vault that they are for. */
const verifications = new WeakMap<ManagedVault, Running>();

/**
 * Ends the epochs below one, when a verification of all rows and lanes finds nothing wrong and none of them
 * sealed under these: whoever hides a row from a count could else make it unreadable for good. It begins when
 * no message is at work any more that has sealed something under one of them. Resolves with `retired` null
 * while it is to be called again, after so many seconds.
 *
 * @throws {ManagementError} when the verification finds something, or a node has written nothing since the
 *   epoch began
 * @throws {VaultUnavailableError} when the epoch is not in use, or there is none before it
 */
export async function retireEpochs(
  backends: Pick<ManagementBackends, 'control' | 'nodes' | 'verify'>,
  epoch: number,
): Promise<Retirement> {
  const { control } = backends;
  await requireLanes(backends, epoch);
  const waitSeconds = Math.ceil(control.secondsUntilRetirement(epoch));
  if (waitSeconds > 0) return { retired: null, waitSeconds };
  const verified = await Promise.race([
    verificationFor(backends, epoch),
    sleep(maxWaitMilliseconds, undefined, { ref: false }),
  ]);
  if (verified === undefined) return { retired: null, waitSeconds: 0 };
  verifications.delete(control);
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
  return { retired: await control.retire(epoch), waitSeconds: 0 };
}

/** Returns the verification that runs for this epoch, or begins one. */
function verificationFor(
  { control, verify }: Pick<ManagementBackends, 'control' | 'verify'>,
  epoch: number,
): Promise<VerifiedRows> {
  const present = verifications.get(control);
  if (present?.epoch === epoch) return present.verification;
  const running = { epoch, verification: verify() };
  verifications.set(control, running);
  const forget = () => {
    if (verifications.get(control) === running) verifications.delete(control);
  };
  running.verification.then(() => setTimeout(forget, maxResultMilliseconds).unref(), forget);
  return running.verification;
}

async function requireLanes({ nodes }: Pick<ManagementBackends, 'nodes'>, epoch: number): Promise<void> {
  const late = (await nodes.list()).filter(({ oldestEpoch }) => oldestEpoch < epoch);
  if (late.length > 0)
    throw new ManagementError(
      `nodes have written nothing since the epoch began: ${late.map(({ name }) => name).join(', ')}; start kmipd there for a moment, try again if it runs, or remove those that are gone with kmipd node remove`,
    );
}

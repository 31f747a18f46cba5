import { tryCommandLock } from '../cli/state-directory/lock.ts';
import type { StateDirectory } from '../cli/state-directory/state-directory.ts';
import type { ManagedNodes } from '../management/managed-nodes.ts';
import type { Vault } from '../vault/vault.ts';

const pollMilliseconds = 1_000;

/** What the renewal works with. */
export interface CommandLaneContext {
  readonly stateDirectory: StateDirectory;
  readonly nodes: Pick<ManagedNodes, 'list' | 'renew'>;
  readonly vault: Pick<Vault, 'currentEpoch'>;
}

/**
 * Seals the lane of the commands of this node anew when another epoch is in use: no command may run for
 * months, and a lane under the epoch before holds up its end, which is asked for at any node. Returns how to
 * stop it.
 */
export function startCommandLaneRenewal({ stateDirectory, nodes, vault }: CommandLaneContext): () => void {
  let renewedEpoch = 0;
  let isAtWork = false;
  const renew = async () => {
    const { currentEpoch } = vault;
    if (isAtWork || currentEpoch === renewedEpoch) return;
    isAtWork = true;
    try {
      if (await renewLanes(stateDirectory, nodes, currentEpoch)) renewedEpoch = currentEpoch;
    } catch {
      // The vault is sealed or the database away; the next second tries again.
    } finally {
      isAtWork = false;
    }
  };
  const timer = setInterval(() => void renew(), pollMilliseconds).unref();
  return () => clearInterval(timer);
}

/** Returns whether no lane of this node is under an older epoch, but those of the daemon. */
async function renewLanes(
  stateDirectory: StateDirectory,
  nodes: CommandLaneContext['nodes'],
  epoch: number,
): Promise<boolean> {
  const own = (await nodes.list()).find(({ isOwn }) => isOwn);
  if (own === undefined || own.oldestEpoch >= epoch) return true;
  const lock = tryCommandLock(stateDirectory);
  if (lock === undefined) return false;
  try {
    return await nodes.renew();
  } finally {
    lock.release();
  }
}

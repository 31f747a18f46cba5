import { EventLoopYield } from '../../common/event-loop-yield.ts';
import { type Anchor, AnchorUnreadableError } from '../../store/lanes/anchor.ts';
import type { Database } from '../../store/open.ts';
import type { LocalVault } from '../../vault/local-vault.ts';
import { type Verification, verifyRows } from '../verification/verify-rows.ts';
import { findSnapshotRollback, readAnchorsOf } from './anchored-lanes.ts';
import type { StateDirectory } from './state-directory.ts';

/** The database that is verified; its vault is unsealed. */
interface VerifiedDatabase extends Pick<Database, 'snapshot'> {
  readonly vault: LocalVault;
}

/**
 * How often the keyring is read meanwhile: the vault takes an epoch that it does not know for a forged one
 * only while its keyring is current.
 */
const refreshMilliseconds = 20_000;

/**
 * Verifies all rows of a database as they are at one moment, and that this is no earlier moment than the
 * processes of the state directory have seen.
 *
 * @param pause is awaited after each page of rows; it lets other events be handled when left out
 * @throws {StoreUnavailableError} when the database cannot be read
 */
export async function verifyDatabase(
  stateDirectory: StateDirectory,
  { snapshot, vault }: VerifiedDatabase,
  pause: () => Promise<void> = createPause(),
): Promise<Verification> {
  await vault.refresh();
  const anchors = await readAnchorsOrProblem(stateDirectory, vault);
  const refresh = keepCurrent(vault);
  return snapshot(async (rows) => {
    const result = await verifyRows(rows, vault, async () => {
      await pause();
      await refresh();
    });
    const problem = typeof anchors === 'string' ? anchors : await findSnapshotRollback(rows, vault, anchors);
    return problem === undefined ? result : { ...result, problems: [problem, ...result.problems] };
  });
}

/** Returns the anchors of the database, or why they cannot be read. */
export async function readAnchorsOrProblem(
  stateDirectory: StateDirectory,
  vault: LocalVault,
): Promise<readonly Anchor[] | string> {
  try {
    return await readAnchorsOf(stateDirectory, vault);
  } catch (error) {
    if (error instanceof AnchorUnreadableError) return error.message;
    throw error;
  }
}

/** Returns a function that reads the keyring anew when that is due. */
export function keepCurrent(vault: LocalVault): () => Promise<void> {
  let refreshed = performance.now();
  return async () => {
    if (performance.now() - refreshed < refreshMilliseconds) return;
    await vault.refresh();
    refreshed = performance.now();
  };
}

/** Returns a function that lets other events be handled when they have waited for long. */
export function createPause(): () => Promise<void> {
  const loop = new EventLoopYield();
  return async () => {
    if (loop.isDue) await loop.yield();
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { Progress } from '../../common/progress.ts';
import type { ManagementCall, ParamsOf, ResultOf } from '../../management/api.ts';
import { print, printError } from '../command.ts';
import { CommandError } from '../failure.ts';
import type { StateDirectory } from '../state-directory/state-directory.ts';

/** The database whose epochs change. */
export interface EpochPlace {
  readonly stateDirectory: StateDirectory;
  /** Another database than that of the configuration. */
  readonly store: string | undefined;
}

/** Broken rows that are named. */
const maxNamed = 20;
const tables: readonly ParamsOf<'vault.rewrap'>['table'][] = ['managed_object', 'sealed_record'];

/** How long the daemon may take to seal its lane anew. */
const maxRenewalMilliseconds = 15_000;
const pollMilliseconds = 500;

/** Begins a seal epoch. */
export async function beginEpoch(place: EpochPlace): Promise<void> {
  const { epoch } = await withVault(place, (call) => call('vault.rotate', {}));
  print(`epoch ${epoch} has begun; it is used once every node knows it`);
}

/**
 * Seals every row under the newest epoch.
 * @throws {CommandError} when rows do not open, after it has named some of them.
 */
export async function sealAnew(place: EpochPlace, isFast: boolean): Promise<void> {
  const { rewrapped, broken } = await withVault(place, async (call) => {
    await awaitNewest(call);
    return passOver(call, { dryRun: false, isPausing: !isFast });
  });
  print(`sealed ${rewrapped} rows anew`);
  if (broken.length === 0) return;
  for (const name of broken.slice(0, maxNamed))
    printError(`the row ${name} does not open, or is an earlier version`);
  throw new CommandError(`${broken.length} rows do not open; kmipd verify says more`);
}

/**
 * Ends the epochs before the newest one.
 * @throws {CommandError} when rows or lanes are sealed under them.
 */
export async function endEpochs(place: EpochPlace): Promise<void> {
  await renewOwnLanes(place);
  const retired = await withVault(place, async (call) => {
    const epoch = await awaitNewest(call);
    const { older } = await passOver(call, { dryRun: true, isPausing: false });
    if (older > 0)
      throw new CommandError(
        `${older} rows are sealed under older epochs: kmipd vault rewrap seals them anew, or names those that do not open`,
      );
    for (;;) {
      const { retired, waitSeconds } = await call('vault.retire', { epoch });
      if (retired !== null) return retired;
      print(
        waitSeconds > 0
          ? `waiting ${waitSeconds} seconds until no message uses the epochs before`
          : 'all rows are being verified',
      );
      await sleep(waitSeconds * 1000);
    }
  });
  print(`retired: ${retired.join(', ')}; what is sealed under these epochs opens no more`);
}

/** Runs `work` with the daemon, or this process where none runs. */
export const withVault = async <T>(
  { stateDirectory, store }: EpochPlace,
  work: (call: ManagementCall) => Promise<T>,
) => {
  const { withManagement } = await import('../state-directory/management.ts');
  return withManagement(stateDirectory, store, work, { access: 'write' });
};

/** Resolves to the newest epoch once it is in use. */
async function awaitNewest(call: ManagementCall): Promise<number> {
  for (let isSaid = false; ; isSaid = true) {
    const { epochs } = await call('vault.status', {});
    const newest = epochs.at(-1);
    if (newest?.state !== 'pending') return newest?.epoch ?? 0;
    if (!isSaid) print(`waiting until every node knows epoch ${newest.epoch}`);
    await sleep(pollMilliseconds);
  }
}

/** Resolves once the lanes of this node are sealed under the newest epoch. */
async function renewOwnLanes(place: EpochPlace): Promise<void> {
  const isLate = async (call: ManagementCall) => {
    const epoch = await awaitNewest(call);
    const { nodes } = await call('vault.status', {});
    return nodes.some(({ isOwn, oldestEpoch }) => isOwn && oldestEpoch < epoch);
  };
  if (!(await withVault(place, isLate))) return;
  // Commands have a lane of their own beside the daemon's: opening it renews it.
  const { withBackends } = await import('../state-directory/backends.ts');
  await withBackends(place.stateDirectory, place.store, async () => {});
  await withVault(place, async (call) => {
    const end = performance.now() + maxRenewalMilliseconds;
    while ((await isLate(call)) && performance.now() < end) await sleep(pollMilliseconds);
  });
}

interface Pass {
  readonly older: number;
  readonly rewrapped: number;
  readonly broken: readonly string[];
}

/** Goes over all rows that there are at its beginning, and tells how far it has got. */
async function passOver(
  call: ManagementCall,
  { dryRun, isPausing }: { readonly dryRun: boolean; readonly isPausing: boolean },
): Promise<Pass> {
  const broken: string[] = [];
  let [older, rewrapped] = [0, 0];
  for (const table of tables) {
    let progress: Progress | undefined;
    for (let after: number | null = 0; after !== null; ) {
      const started = performance.now();
      const page: ResultOf<'vault.rewrap'> = await call('vault.rewrap', { table, after, dryRun });
      progress ??= new Progress(page.highest, print, dryRun ? 'looked at' : 'passed');
      progress.add(Math.max(0, (page.next ?? page.highest) - after));
      older += page.older;
      rewrapped += page.rewrapped;
      broken.push(...page.broken);
      after = page.next;
      if (isPausing && after !== null) await sleep(performance.now() - started);
    }
  }
  return { older, rewrapped, broken };
}

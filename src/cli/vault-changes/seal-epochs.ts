import { setTimeout as sleep } from 'node:timers/promises';
import { Progress } from '../../common/progress.ts';
import type { ManagementCall, ResultOf } from '../../management/api.ts';
import { type NumberedTable, numberedTables } from '../../store/store.ts';
import { print, printError } from '../command.ts';
import { CommandError } from '../failure.ts';
import { takeCommandLock } from '../state-directory/lock.ts';
import type { StateDirectory } from '../state-directory/state-directory.ts';

/** The database whose epochs change, and the process that changes them. */
export interface EpochContext {
  readonly stateDirectory: StateDirectory;
  readonly call: ManagementCall;
  /** Whether a daemon answers the calls, and not this process. */
  readonly isServed: boolean;
}

/** Broken rows, and epochs, that are named. */
const maxNamed = 20;

/** How long a daemon may take to seal its lanes anew. */
const maxRenewalMilliseconds = 15_000;
const pollMilliseconds = 500;

/** Begins a seal epoch; `renewsSecrets`: with other index and set secrets. */
export async function beginEpoch({ call }: EpochContext, renewsSecrets = false): Promise<void> {
  const { epoch } = await call('vault.rotate', { renewsSecrets });
  print(`epoch ${epoch} has begun; it is used once every node knows it`);
}

/**
 * Seals every row under the newest epoch, and values in the mode of the configuration.
 * @throws {CommandError} when rows do not open, after it has named some of them.
 */
export async function sealAnew({ call }: EpochContext, isFast: boolean): Promise<void> {
  // What another node seals under the epoch before would be left behind.
  await awaitOtherNodes(call, await awaitNewest(call));
  const { rewrapped, broken, named } = await passOver(call, { dryRun: false, isPausing: !isFast });
  print(`sealed ${rewrapped} rows anew`);
  if (broken === 0) return;
  for (const name of named) printError(`the row ${name} does not open, or is an earlier version`);
  throw new CommandError(`${broken} rows do not open; kmipd verify says more`);
}

/**
 * Ends the epochs before the newest one.
 * @throws {CommandError} when rows or lanes are sealed under them.
 */
export async function endEpochs(context: EpochContext): Promise<void> {
  const { call } = context;
  await renewOwnLanes(context);
  const epoch = await awaitNewest(call);
  await awaitOtherNodes(call, epoch);
  const { older } = await passOver(call, { dryRun: true, isPausing: false });
  if (older > 0)
    throw new CommandError(
      `${older} rows are sealed under older epochs: kmipd vault rewrap seals them anew, or names those that do not open`,
    );
  for (;;) {
    const { retired, waitSeconds } = await call('vault.retire', { epoch });
    if (retired !== null) {
      const more = retired.length > maxNamed ? ` and ${retired.length - maxNamed} more` : '';
      const numbers = retired.slice(0, maxNamed).join(', ');
      print(`retired: ${numbers}${more}; what is sealed under these epochs opens no more`);
      return;
    }
    print(
      waitSeconds > 0
        ? `waiting ${waitSeconds} seconds until no message uses the epochs before`
        : 'all rows are being verified',
    );
    await sleep(waitSeconds * 1000);
  }
}

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

/** Resolves once the lanes of this node are sealed under the newest epoch, or some seconds later. */
async function renewOwnLanes({ call, isServed, stateDirectory }: EpochContext): Promise<void> {
  const isLate = async () => {
    const epoch = await awaitNewest(call);
    const { nodes } = await call('vault.status', {});
    return nodes.some(({ isOwn, oldestEpoch }) => isOwn && oldestEpoch < epoch);
  };
  // Commands have a lane of their own beside the daemon's, which renews it while none of them writes.
  const lock = isServed && (await isLate()) ? takeCommandLock(stateDirectory) : undefined;
  try {
    const end = performance.now() + maxRenewalMilliseconds;
    while ((await isLate()) && performance.now() < end) {
      if (isServed) await call('node.renew', {});
      await sleep(pollMilliseconds);
    }
  } finally {
    lock?.release();
  }
}

/** Resolves once the lanes of other nodes are sealed under an epoch, or those that run have had the time. */
async function awaitOtherNodes(call: ManagementCall, epoch: number): Promise<void> {
  const end = performance.now() + maxRenewalMilliseconds;
  while (performance.now() < end) {
    const { nodes } = await call('vault.status', {});
    if (nodes.every(({ isOwn, oldestEpoch }) => isOwn || oldestEpoch >= epoch)) return;
    await sleep(pollMilliseconds);
  }
}

interface Pass {
  readonly older: number;
  readonly rewrapped: number;
  /** Rows that do not open. */
  readonly broken: number;
  /** The first of them. */
  readonly named: readonly string[];
}

/** Goes over all rows that there are at its beginning, and tells how far it has got. */
export async function passOver(
  call: ManagementCall,
  {
    dryRun,
    isPausing,
    tables = numberedTables,
  }: {
    readonly dryRun: boolean;
    readonly isPausing: boolean;
    readonly tables?: readonly NumberedTable[];
  },
): Promise<Pass> {
  const named: string[] = [];
  let [older, rewrapped, broken] = [0, 0, 0];
  for (const table of tables) {
    let progress: Progress | undefined;
    for (let after: number | null = 0; after !== null; ) {
      const started = performance.now();
      const page: ResultOf<'vault.rewrap'> = await call('vault.rewrap', { table, after, dryRun });
      progress ??= new Progress(page.highest, print, dryRun ? 'looked at' : 'passed');
      // Clients make more rows meanwhile.
      progress.add(Math.max(0, (page.next ?? page.highest) - after), page.highest);
      older += page.older;
      rewrapped += page.rewrapped;
      broken += page.broken.length;
      named.push(...page.broken.slice(0, maxNamed - named.length));
      after = page.next;
      if (isPausing && after !== null) await sleep(performance.now() - started);
    }
  }
  return { older, rewrapped, broken, named };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { Progress } from '../../common/progress.ts';
import type { ManagementCall, ParamsOf, ResultOf } from '../../management/api.ts';
import { type Command, homeOption, print, printError, storeOption } from '../command.ts';
import { CommandError } from '../failure.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
}

interface RewrapArguments extends Arguments {
  readonly fast: boolean;
}

/** Broken rows that are named. */
const maxNamed = 20;
const tables: readonly ParamsOf<'vault.rewrap'>['table'][] = ['managed_object', 'sealed_record'];

/** How long the daemon may take to seal its lane anew. */
const maxRenewalMilliseconds = 15_000;
const pollMilliseconds = 500;

/** The command `vault rotate`. */
export const vaultRotate: Command<Arguments> = {
  command: 'rotate',
  describe: 'Begin a new seal epoch: what is written from then on is sealed under new keys',
  builder: (yargs) => yargs.options(homeOption).options(storeOption),
  async run(args) {
    const { epoch } = await withVault(args, (call) => call('vault.rotate', {}));
    print(`epoch ${epoch} has begun; it is used once every node knows it`);
    print('kmipd vault rewrap seals under it what is there already, kmipd vault retire ends the ones before');
  },
};

/** The command `vault rewrap`. */
export const vaultRewrap: Command<RewrapArguments> = {
  command: 'rewrap',
  describe: 'Seal every row under the newest epoch, while clients are served; may be stopped and repeated',
  builder: (yargs) =>
    yargs.options(homeOption).options(storeOption).option('fast', {
      type: 'boolean',
      default: false,
      describe: 'Without the pauses that leave half of the time to clients',
    }),
  async run(args) {
    await useNewestEpoch(args);
    const { rewrapped, broken } = await withVault(args, (call) =>
      passOver(call, { dryRun: false, isPausing: !args.fast }),
    );
    print(`sealed ${rewrapped} rows anew`);
    if (broken.length === 0) return;
    for (const name of broken.slice(0, maxNamed)) printError(`the row ${name} was altered outside kmipd`);
    throw new CommandError(`${broken.length} rows do not open; kmipd verify says more`);
  },
};

/** The command `vault retire`. */
export const vaultRetire: Command<Arguments> = {
  command: 'retire',
  describe: 'End the epochs before the newest one, once no row is sealed under them',
  builder: (yargs) => yargs.options(homeOption).options(storeOption),
  async run(args) {
    await useNewestEpoch(args);
    const { retired } = await withVault(args, async (call) => {
      const { older } = await passOver(call, { dryRun: true, isPausing: false });
      if (older > 0)
        throw new CommandError(
          `${older} rows are sealed under older epochs: kmipd vault rewrap seals them anew`,
        );
      return call('vault.retire', {});
    });
    print(`retired: ${retired.join(', ')}; what is sealed under these epochs opens no more`);
    print('copies of the keyring that were made before, in backups too, open it as long as their root does');
  },
};

const withVault = async <T>({ home, store }: Arguments, work: (call: ManagementCall) => Promise<T>) => {
  const { withManagement } = await import('../state-directory/management.ts');
  return withManagement(stateDirectoryAt(home), store, work, { access: 'write' });
};

/** Resolves once the newest epoch is in use, and the lanes of this node are sealed under it. */
async function useNewestEpoch(args: Arguments): Promise<void> {
  const isOwnLaneLate = await withVault(args, async (call) => {
    for (let isSaid = false; ; isSaid = true) {
      const { epochs, nodes } = await call('vault.status', {});
      const newest = epochs.at(-1);
      if (newest?.state !== 'pending')
        return nodes.some(({ isOwn, oldestEpoch }) => isOwn && oldestEpoch < (newest?.epoch ?? 0));
      if (!isSaid) print(`waiting until every node knows epoch ${newest.epoch}`);
      await sleep(pollMilliseconds);
    }
  });
  if (!isOwnLaneLate) return;
  // Commands have a lane of their own beside the daemon's: opening it renews it.
  const { withBackends } = await import('../state-directory/backends.ts');
  await withBackends(stateDirectoryAt(args.home), args.store, async () => {});
  await withVault(args, async (call) => {
    for (const end = performance.now() + maxRenewalMilliseconds; performance.now() < end; ) {
      const { epochs, nodes } = await call('vault.status', {});
      const newest = epochs.at(-1)?.epoch ?? 0;
      if (nodes.every(({ isOwn, oldestEpoch }) => !isOwn || oldestEpoch >= newest)) return;
      await sleep(pollMilliseconds);
    }
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

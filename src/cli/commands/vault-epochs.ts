import { type Command, homeOption, print, storeOption } from '../command.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';
import { beginEpoch, type EpochContext, endEpochs, sealAnew } from '../vault-changes/seal-epochs.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
}

interface RewrapArguments extends Arguments {
  readonly fast: boolean;
}

/** Runs `work` with the daemon, or this process where none runs. */
async function withEpochs({ home, store }: Arguments, work: (context: EpochContext) => Promise<void>) {
  const { withManagement } = await import('../state-directory/management.ts');
  const stateDirectory = stateDirectoryAt(home);
  return withManagement(stateDirectory, store, (call, isServed) => work({ stateDirectory, call, isServed }));
}

/** The command `vault rotate`. */
export const vaultRotate: Command<Arguments> = {
  command: 'rotate',
  isManaged: true,
  describe: 'Begin a new seal epoch: what is written from then on is sealed under new keys',
  builder: (yargs) => yargs.options(homeOption).options(storeOption),
  async run(args) {
    await withEpochs(args, beginEpoch);
    print('kmipd vault rewrap seals under it what is there already, kmipd vault retire ends the ones before');
  },
};

/** The command `vault rewrap`. */
export const vaultRewrap: Command<RewrapArguments> = {
  command: 'rewrap',
  isManaged: true,
  describe: 'Seal every row under the newest epoch, while clients are served; may be stopped and repeated',
  builder: (yargs) =>
    yargs.options(homeOption).options(storeOption).option('fast', {
      type: 'boolean',
      default: false,
      describe: 'Without the pauses that leave half of the time to clients',
    }),
  run: (args) => withEpochs(args, (context) => sealAnew(context, args.fast)),
};

/** The command `vault retire`. */
export const vaultRetire: Command<Arguments> = {
  command: 'retire',
  isManaged: true,
  describe: 'End the epochs before the newest one, once no row is sealed under them',
  builder: (yargs) => yargs.options(homeOption).options(storeOption),
  async run(args) {
    await withEpochs(args, endEpochs);
    print('copies of the keyring that were made before, in backups too, open it as long as their root does');
  },
};

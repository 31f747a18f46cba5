import { readStoreUrl } from '../../config/values.ts';
import { type Command, homeOption, print, readOption, storeOption } from '../command.ts';
import { requireInitialised, stateDirectoryAt } from '../state-directory/state-directory.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
  readonly 'passphrase-file'?: string;
}

const passphraseOption = {
  'passphrase-file': {
    type: 'string',
    requiresArg: true,
    describe: 'File with the passphrase of the copy, instead of the terminal or a pipe',
  },
} as const;

/** The command `vault export-root`. */
export const vaultExportRoot: Command<Arguments & { readonly out: string }> = {
  command: 'export-root',
  describe: 'Write a copy of the root for a safe, encrypted under a passphrase',
  builder: (yargs) =>
    yargs
      .options(homeOption)
      .options(storeOption)
      .options(passphraseOption)
      .option('out', { type: 'string', demandOption: true, requiresArg: true, describe: 'File of the copy' }),
  async run(args) {
    const stateDirectory = stateDirectoryAt(args.home);
    const { writeRootCopy } = await import('../vault-changes/root-copies.ts');
    const uri = await writeRootCopy(stateDirectory, { ...readPlace(args), file: args.out });
    print(
      `${args.out} is a copy of the root ${uri}; with its passphrase and any copy of the database it opens everything`,
    );
  },
};

/** The command `vault import-root`. */
export const vaultImportRoot: Command<Arguments & { readonly file: string; readonly to?: string }> = {
  command: 'import-root <file>',
  describe: 'Put a root from its copy in the place of a root key file that was lost',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', describe: 'What kmipd vault export-root has written' })
      .options(homeOption)
      .options(storeOption)
      .options(passphraseOption)
      .option('to', {
        type: 'string',
        requiresArg: true,
        describe: 'Where the root key goes, instead of the file of [vault] root',
      }),
  async run(args) {
    const stateDirectory = stateDirectoryAt(args.home);
    const { restoreRoot } = await import('../vault-changes/root-copies.ts');
    const path = await restoreRoot(stateDirectory, { ...readPlace(args), file: args.file }, args.to);
    print(`${path} is the root key again, and opens the database`);
  },
};

function readPlace(args: Arguments): { readonly store: string; readonly passphraseFile: string | undefined } {
  const { store } = requireInitialised(stateDirectoryAt(args.home));
  return {
    store: readOption('store', args.store, readStoreUrl) ?? store,
    passphraseFile: args['passphrase-file'],
  };
}

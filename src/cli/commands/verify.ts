import { readStoreUrl } from '../../config/values.ts';
import { type Command, homeOption, print, printError, readOption, storeOption } from '../command.ts';
import { CommandError } from '../failure.ts';
import { requireInitialised, stateDirectoryAt } from '../state-directory/state-directory.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
  readonly 'remove-first-design'?: boolean;
}

/** Opens and compares all rows of the database, also while a daemon serves it. */
export const verifyDatabaseCommand: Command<Arguments> = {
  command: 'verify',
  describe: 'Check that every row of the database is as kmipd has written it, and that none is missing',
  builder: (yargs) =>
    yargs.options(homeOption).options(storeOption).option('remove-first-design', {
      type: 'boolean',
      describe: 'If all is well, remove what the conversion of an old database has kept of it',
    }),
  async run({ home, store, 'remove-first-design': isRemoval = false }) {
    const { withBackends } = await import('../state-directory/backends.ts');
    const { verifyDatabase } = await import('../state-directory/verify-database.ts');
    const stateDirectory = stateDirectoryAt(home);
    const { objects, records, problems, unlisted } = await withBackends(
      stateDirectory,
      store,
      (backends) => verifyDatabase(stateDirectory, backends),
      'verify',
    );
    const read = `${objects} objects and ${records} records`;
    for (const problem of problems) printError(`kmipd: ${problem}`);
    if (unlisted > 0) printError(`kmipd: ${unlisted} further problems`);
    if (problems.length > 0)
      throw new CommandError(`${read} were read; ${problems.length + unlisted} problems were found`);
    print(`${read}: all as kmipd has written them, and none is missing`);
    await handleKeptRows(
      readOption('store', store, readStoreUrl) ?? requireInitialised(stateDirectory).store,
      isRemoval,
    );
  },
};

/** Names the old rows that a conversion has kept, or removes them: the rows that replace them are right. */
async function handleKeptRows(url: string, isRemoval: boolean): Promise<void> {
  const { findKeptRows } = await import('../../first-design/kept-rows.ts');
  const kept = await findKeptRows(url);
  const names = kept?.names.join(', ');
  if (kept === undefined) {
    if (isRemoval) print('nothing is kept of a database of the first design');
  } else if (isRemoval) {
    await kept.remove();
    print(`removed ${names}; backups that have them still open every key of that time with root.key`);
  } else
    print(
      `${names}: kept from the conversion, and opens every key of that time with root.key; when you no longer need to go back: kmipd verify --remove-first-design`,
    );
}

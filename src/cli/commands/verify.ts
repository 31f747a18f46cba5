import { type Command, homeOption, print, printError, storeOption } from '../command.ts';
import { CommandError } from '../failure.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
}

/** Opens and compares all rows of the database, also while a daemon serves it. */
export const verifyDatabaseCommand: Command<Arguments> = {
  command: 'verify',
  describe: 'Check that every row of the database is as kmipd has written it, and that none is missing',
  builder: (yargs) => yargs.options(homeOption).options(storeOption),
  async run({ home, store }) {
    const { withBackends } = await import('../state-directory/backends.ts');
    const { verifyDatabase } = await import('../verification/verify-database.ts');
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
  },
};

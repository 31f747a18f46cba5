import { store as readStore } from '../../config/values.ts';
import { type Command, homeOption, plainNameOf, print, readOption, storeOption } from '../command.ts';
import { requireInitialised, stateDirectoryAt } from '../state-directory/state-directory.ts';
import { summaryOf } from './client-list.ts';

interface Arguments {
  readonly client: string;
  readonly home: string;
  readonly store?: string;
}

export const show: Command<Arguments> = {
  command: 'show <client>',
  describe: 'Show one client and its certificate',
  builder: (yargs) =>
    yargs
      .positional('client', { type: 'string', describe: 'Name of the client' })
      .options(homeOption)
      .options(storeOption),
  async run({ client, home, store }) {
    const name = plainNameOf('the name', client);
    const config = requireInitialised(stateDirectoryAt(home));
    const { clientNamed, withDirectory } = await import('../state-directory/client-directory.ts');
    const found = await withDirectory(readOption('store', store, readStore) ?? config.store, (directory) =>
      clientNamed(directory, name),
    );
    for (const [key, value] of Object.entries(summaryOf(found))) print(`${`${key}:`.padEnd(13)}${value}`);
    print(found.certificate.trimEnd());
  },
};

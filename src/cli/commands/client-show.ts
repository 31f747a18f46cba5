import { type Command, homeOption, print, requirePlainName, storeOption } from '../command.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';
import { describeClient } from './client-list.ts';

interface Arguments {
  readonly client: string;
  readonly home: string;
  readonly store?: string;
}

/** The command `client show`. */
export const clientShow: Command<Arguments> = {
  command: 'show <client>',
  isManaged: true,
  describe: 'Show one client and its certificate',
  builder: (yargs) =>
    yargs
      .positional('client', { type: 'string', describe: 'Name of the client' })
      .options(homeOption)
      .options(storeOption),
  async run({ client, home, store }) {
    const name = requirePlainName('the name', client);
    const { withManagement } = await import('../state-directory/management.ts');
    const found = await withManagement(
      stateDirectoryAt(home),
      store,
      (call) => call('client.show', { name }),
      { access: 'read' },
    );
    for (const [key, value] of Object.entries(describeClient(found)))
      print(`${`${key}:`.padEnd(13)}${value}`);
    print(found.certificate.trimEnd());
  },
};

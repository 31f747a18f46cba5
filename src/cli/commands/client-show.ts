import { type Command, homeOption, print, requirePlainName, storeOption } from '../command.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';
import { summariseClient } from './client-list.ts';

interface Arguments {
  readonly client: string;
  readonly home: string;
  readonly store?: string;
}

/** The command `client show`. */
export const clientShow: Command<Arguments> = {
  command: 'show <client>',
  describe: 'Show one client and its certificate',
  builder: (yargs) =>
    yargs
      .positional('client', { type: 'string', describe: 'Name of the client' })
      .options(homeOption)
      .options(storeOption),
  async run({ client, home, store }) {
    const name = requirePlainName('the name', client);
    const { withBackends } = await import('../state-directory/backends.ts');
    const { requireClient } = await import('../state-directory/client-directory.ts');
    const found = await withBackends(
      stateDirectoryAt(home),
      store,
      ({ clients }) => requireClient(clients, name),
      'read',
    );
    for (const [key, value] of Object.entries(summariseClient(found)))
      print(`${`${key}:`.padEnd(13)}${value}`);
    print(found.certificate.trimEnd());
  },
};

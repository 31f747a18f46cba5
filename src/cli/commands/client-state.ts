import { readStoreUrl } from '../../config/values.ts';
import type { ClientDirectory } from '../../identity/principal.ts';
import type { OpenStore } from '../../store/open.ts';
import { type Command, homeOption, print, readOption, requirePlainName, storeOption } from '../command.ts';
import { requireInitialised, stateDirectoryAt } from '../state-directory/state-directory.ts';

interface Arguments {
  readonly client: string;
  readonly home: string;
  readonly store?: string;
}

function clientCommand(
  verb: string,
  describe: string,
  apply: (directory: ClientDirectory, name: string, opened: OpenStore) => Promise<string>,
): Command<Arguments> {
  return {
    command: `${verb} <client>`,
    describe,
    builder: (yargs) =>
      yargs
        .positional('client', { type: 'string', describe: 'Name of the client' })
        .options(homeOption)
        .options(storeOption),
    async run({ client, home, store }) {
      const name = requirePlainName('the name', client);
      const stateDirectory = stateDirectoryAt(home);
      const url = readOption('store', store, readStoreUrl) ?? requireInitialised(stateDirectory).store;
      const { notifyDaemon, withClientDirectory } = await import('../state-directory/client-directory.ts');
      print(await withClientDirectory(url, (directory, opened) => apply(directory, name, opened)));
      notifyDaemon(stateDirectory);
    },
  };
}

async function setDisabled(directory: ClientDirectory, name: string, disabled: boolean): Promise<string> {
  const { requireClient } = await import('../state-directory/client-directory.ts');
  const client = await requireClient(directory, name);
  const word = disabled ? 'disabled' : 'enabled';
  if (client.disabled === disabled) return `client ${name} is ${word} already`;
  await directory.setDisabled(name, disabled);
  return `client ${name} is ${word}`;
}

/** The command `client disable`. */
export const clientDisable = clientCommand(
  'disable',
  'Refuse the connections of a client until it is enabled again',
  (directory, name) => setDisabled(directory, name, true),
);

/** The command `client enable`. */
export const clientEnable = clientCommand(
  'enable',
  'Accept the connections of a disabled client again',
  (directory, name) => setDisabled(directory, name, false),
);

/** The command `client remove`. */
export const clientRemove = clientCommand(
  'remove',
  'Remove a client; its objects stay with its group',
  async (directory, name, { store }) => {
    const { requireClient } = await import('../state-directory/client-directory.ts');
    const { deleteCredentials } = await import('../../protocol/authentication/credential-directory.ts');
    const { deleteEndpoint } = await import('../../protocol/endpoints/endpoint-settings.ts');
    const { group } = await requireClient(directory, name);
    await deleteEndpoint(store, name);
    await directory.remove(name);
    await deleteCredentials(store, name);
    return `client ${name} is removed; the objects of group ${group} stay`;
  },
);

import { type Command, homeOption, print, requirePlainName, storeOption } from '../command.ts';
import type { CommandBackends } from '../state-directory/backends.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';

interface Arguments {
  readonly client: string;
  readonly home: string;
  readonly store?: string;
}

function clientCommand(
  verb: string,
  describe: string,
  apply: (backends: CommandBackends, name: string) => Promise<string>,
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
      const { withBackends } = await import('../state-directory/backends.ts');
      const { notifyDaemon } = await import('../state-directory/client-directory.ts');
      print(await withBackends(stateDirectory, store, (backends) => apply(backends, name)));
      notifyDaemon(stateDirectory);
    },
  };
}

async function setDisabled({ clients }: CommandBackends, name: string, disabled: boolean): Promise<string> {
  const { requireClient } = await import('../state-directory/client-directory.ts');
  const client = await requireClient(clients, name);
  const word = disabled ? 'disabled' : 'enabled';
  if (client.disabled === disabled) return `client ${name} is ${word} already`;
  await clients.setDisabled(name, disabled);
  return `client ${name} is ${word}`;
}

/** The command `client disable`. */
export const clientDisable = clientCommand(
  'disable',
  'Refuse the connections of a client until it is enabled again',
  (backends, name) => setDisabled(backends, name, true),
);

/** The command `client enable`. */
export const clientEnable = clientCommand(
  'enable',
  'Accept the connections of a disabled client again',
  (backends, name) => setDisabled(backends, name, false),
);

/** The command `client remove`. */
export const clientRemove = clientCommand(
  'remove',
  'Remove a client; its objects stay with its group',
  async ({ clients, store, vault }, name) => {
    const { requireClient } = await import('../state-directory/client-directory.ts');
    const { deleteNamedRecords, deleteOwnedRecords } = await import('../../protocol/client-records.ts');
    const client = await requireClient(clients, name);
    const deleteRecords = async () => {
      await deleteNamedRecords(store, vault, name);
      await deleteOwnedRecords(store, vault, client);
    };
    // Before, so that the command can be repeated when it is interrupted; afterwards, because a daemon may
    // have stored more until then.
    await deleteRecords();
    await clients.remove(name);
    await deleteRecords();
    return `client ${name} is removed; the objects of group ${client.group} stay`;
  },
);

import { existsSync } from 'node:fs';
import { readStoreUrl } from '../../config/values.ts';
import type { ClientDirectory } from '../../identity/principal.ts';
import type { OpenStore } from '../../store/open.ts';
import { type Command, homeOption, print, readOption, requirePlainName, storeOption } from '../command.ts';
import {
  requireInitialised,
  type StateDirectory,
  stateDirectoryAt,
} from '../state-directory/state-directory.ts';

interface Arguments {
  readonly client: string;
  readonly home: string;
  readonly store?: string;
}

function clientCommand(
  verb: string,
  describe: string,
  apply: (
    directory: ClientDirectory,
    name: string,
    opened: OpenStore,
    stateDirectory: StateDirectory,
  ) => Promise<string>,
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
      print(
        await withClientDirectory(url, (directory, opened) => apply(directory, name, opened, stateDirectory)),
      );
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
  async (directory, name, { store, wrappedKeys }, { rootKey }) => {
    const { requireClient } = await import('../state-directory/client-directory.ts');
    const { deleteNamedRecords, deleteOwnedRecords } = await import('../../protocol/client-records.ts');
    const { openLocalVault } = await import('../../vault/local.ts');
    const client = await requireClient(directory, name);
    // Without a root key nothing is read, and none is created.
    const vault = existsSync(rootKey)
      ? await openLocalVault({ rootKeyFile: rootKey, wrappedKeys })
      : undefined;
    const isComplete = vault?.unsealed || (await wrappedKeys.list()).length === 0;
    const deleteRecords = async () => {
      await deleteNamedRecords(store, name);
      if (vault?.unsealed) await deleteOwnedRecords(store, vault, client);
    };
    try {
      // Before, so that the command can be repeated when it is interrupted; afterwards, because a daemon may
      // have stored more until then.
      await deleteRecords();
      await directory.remove(name);
      await deleteRecords();
    } finally {
      await vault?.close();
    }
    const rest = isComplete
      ? ''
      : '; its tickets and pending requests are void, and deleted when they expire (the vault is sealed)';
    return `client ${name} is removed; the objects of group ${client.group} stay${rest}`;
  },
);

import type { ManagementCall } from '../../management/api.ts';
import { type Command, homeOption, print, requirePlainName, storeOption } from '../command.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';

interface Arguments {
  readonly client: string;
  readonly home: string;
  readonly store?: string;
}

function clientCommand(
  verb: string,
  describe: string,
  apply: (call: ManagementCall, name: string) => Promise<string>,
): Command<Arguments> {
  return {
    command: `${verb} <client>`,
    isManaged: true,
    describe,
    builder: (yargs) =>
      yargs
        .positional('client', { type: 'string', describe: 'Name of the client' })
        .options(homeOption)
        .options(storeOption),
    async run({ client, home, store }) {
      const name = requirePlainName('the name', client);
      const stateDirectory = stateDirectoryAt(home);
      const { withManagement } = await import('../state-directory/management.ts');
      await withManagement(stateDirectory, store, async (call) => print(await apply(call, name)), {
        notify: true,
      });
    },
  };
}

async function setDisabled(call: ManagementCall, name: string, disabled: boolean): Promise<string> {
  const { isChanged } = await call('client.setDisabled', { name, disabled });
  return `client ${name} is ${disabled ? 'disabled' : 'enabled'}${isChanged ? '' : ' already'}`;
}

/** The command `client disable`. */
export const clientDisable = clientCommand(
  'disable',
  'Refuse the connections of a client until it is enabled again',
  (call, name) => setDisabled(call, name, true),
);

/** The command `client enable`. */
export const clientEnable = clientCommand(
  'enable',
  'Accept the connections of a disabled client again',
  (call, name) => setDisabled(call, name, false),
);

/** The command `client remove`. */
export const clientRemove = clientCommand(
  'remove',
  'Remove a client; its objects stay with its group',
  async (call, name) => {
    const { group } = await call('client.remove', { name });
    return `client ${name} is removed; the objects of group ${group} stay`;
  },
);

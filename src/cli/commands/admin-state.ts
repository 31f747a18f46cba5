import type { ManagementCall } from '../../management/api.ts';
import { type Command, homeOption, print, requirePlainName, storeOption } from '../command.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';

interface Arguments {
  readonly name: string;
  readonly home: string;
  readonly store?: string;
}

function administratorCommand(
  verb: string,
  describe: string,
  apply: (call: ManagementCall, name: string) => Promise<string>,
): Command<Arguments> {
  return {
    command: `${verb} <name>`,
    isManaged: true,
    describe,
    builder: (yargs) =>
      yargs
        .positional('name', { type: 'string', describe: 'Name of the administrator' })
        .options(homeOption)
        .options(storeOption),
    async run(args) {
      const name = requirePlainName('the name', args.name);
      const { withManagement } = await import('../state-directory/management.ts');
      await withManagement(stateDirectoryAt(args.home), args.store, async (call) =>
        print(await apply(call, name)),
      );
    },
  };
}

async function setDisabled(call: ManagementCall, name: string, disabled: boolean): Promise<string> {
  const { isChanged } = await call('admin.setDisabled', { name, disabled });
  return `administrator ${name} is ${disabled ? 'disabled' : 'enabled'}${isChanged ? '' : ' already'}`;
}

/** The command `admin disable`. */
export const adminDisable = administratorCommand(
  'disable',
  'Refuse the logins of an administrator until it is enabled again',
  (call, name) => setDisabled(call, name, true),
);

/** The command `admin enable`. */
export const adminEnable = administratorCommand(
  'enable',
  'Accept the logins of a disabled administrator again',
  (call, name) => setDisabled(call, name, false),
);

/** The command `admin remove`. */
export const adminRemove = administratorCommand('remove', 'Remove an administrator', async (call, name) => {
  await call('admin.remove', { name });
  return `administrator ${name} is removed`;
});

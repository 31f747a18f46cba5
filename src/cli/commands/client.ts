import type { CommandGroup } from '../command.ts';
import { clientAdd } from './client-add.ts';
import { credentialCommands } from './client-credential.ts';
import { clientList } from './client-list.ts';
import { clientNotify } from './client-notify.ts';
import { clientShow } from './client-show.ts';
import { clientDisable, clientEnable, clientRemove } from './client-state.ts';

/** The commands `client`. */
export const clientCommands: CommandGroup = {
  command: 'client',
  describe: 'Enrol clients and manage them',
  commands: [
    clientAdd,
    clientList,
    clientShow,
    clientDisable,
    clientEnable,
    clientRemove,
    clientNotify,
    credentialCommands,
  ],
};

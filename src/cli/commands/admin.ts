import type { CommandGroup } from '../command.ts';
import { adminAdd, adminReset } from './admin-credential.ts';
import { adminList, adminShow } from './admin-list.ts';
import { adminDisable, adminEnable, adminRemove } from './admin-state.ts';

/** The commands `admin`. */
export const adminCommands: CommandGroup = {
  command: 'admin',
  describe: 'Administrators: who may call the management service, by which role',
  commands: [adminAdd, adminList, adminShow, adminDisable, adminEnable, adminReset, adminRemove],
};

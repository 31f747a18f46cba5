import type { CommandGroup } from '../../command.ts';
import { auditShow } from './audit-show.ts';

/** The commands `audit`. */
export const auditCommands: CommandGroup = {
  command: 'audit',
  describe: 'See who did what',
  commands: [auditShow],
};

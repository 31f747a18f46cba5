import type { CommandGroup } from '../../command.ts';
import { auditExport } from './audit-export.ts';
import { auditKey } from './audit-key.ts';
import { auditShow } from './audit-show.ts';
import { auditVerify } from './audit-verify.ts';

/** The commands `audit`. */
export const auditCommands: CommandGroup = {
  command: 'audit',
  describe: 'See who did what; verify and export the log, show the keys that sign its checkpoints',
  commands: [auditShow, auditVerify, auditExport, auditKey],
};

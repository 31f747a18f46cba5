import type { CommandGroup } from '../command.ts';
import { auditExport } from './audit-export.ts';
import { auditKey } from './audit-key.ts';
import { auditVerify } from './audit-verify.ts';

/** The commands `audit`. */
export const auditCommands: CommandGroup = {
  command: 'audit',
  describe: 'Verify and export the audit log, show the keys that sign its checkpoints',
  commands: [auditVerify, auditExport, auditKey],
};

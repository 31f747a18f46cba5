import type { CommandGroup } from '../command.ts';
import { vaultAccept } from './vault-accept.ts';
import { vaultChangeRoot } from './vault-change-root.ts';
import { vaultRetire, vaultRewrap, vaultRotate } from './vault-epochs.ts';
import { vaultExportRoot, vaultImportRoot } from './vault-root-copies.ts';
import { vaultStatus } from './vault-status.ts';
import { vaultTokenCommands } from './vault-token.ts';
import { vaultUnseal } from './vault-unseal.ts';

/** The commands `vault`. */
export const vaultCommands: CommandGroup = {
  command: 'vault',
  describe: 'Roots, keys and rows of the database',
  commands: [
    vaultStatus,
    vaultUnseal,
    vaultRotate,
    vaultRewrap,
    vaultRetire,
    vaultChangeRoot,
    vaultExportRoot,
    vaultImportRoot,
    vaultAccept,
    vaultTokenCommands,
  ],
};

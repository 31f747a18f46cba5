import type { CommandGroup } from '../command.ts';
import { vaultAccept } from './vault-accept.ts';
import { vaultTokenCommands } from './vault-token.ts';

/** The commands `vault`. */
export const vaultCommands: CommandGroup = {
  command: 'vault',
  describe: 'Keys and rows of the database',
  commands: [vaultAccept, vaultTokenCommands],
};

import type { CommandGroup } from '../command.ts';
import { vaultTokenCheck } from './vault-token-check.ts';
import { vaultTokenKeys } from './vault-token-keys.ts';
import { vaultTokenLogin } from './vault-token-login.ts';

/** The commands `vault token`. */
export const vaultTokenCommands: CommandGroup = {
  command: 'token',
  describe: 'PKCS #11 tokens that keep the root key or keys of clients',
  commands: [vaultTokenCheck, vaultTokenKeys, vaultTokenLogin],
};

import { type Command, homeOption, print, storeOption } from '../command.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
  readonly file?: string;
}

/** The command `vault unseal`. */
export const vaultUnseal: Command<Arguments> = {
  command: 'unseal',
  isManaged: true,
  describe: 'Give the running kmipd your share of the root, or its passphrase; typed, from a pipe or a file',
  builder: (yargs) =>
    yargs
      .options(homeOption)
      .options(storeOption)
      .option('file', { type: 'string', requiresArg: true, describe: 'File with the share or passphrase' }),
  async run({ home, store, file }) {
    const { withDaemon } = await import('../state-directory/management.ts');
    const { readSecretInput } = await import('../password-input.ts');
    const { encryptSecret } = await import('../../common/secret-transfer.ts');
    const { given, needed, sealedBecause } = await withDaemon(stateDirectoryAt(home), store, async (call) => {
      using secret = await readSecretInput('share or passphrase', file);
      // Only then: the daemon may have been started anew meanwhile.
      const { publicKey } = await call('vault.receiver', {});
      return call('vault.unseal', { input: encryptSecret(secret, publicKey) });
    });
    const taken = needed > 1 ? `${given} of ${needed} shares are there` : 'it is taken';
    print(
      sealedBecause === null ? 'the vault is unsealed' : `${taken}; the vault is sealed: ${sealedBecause}`,
    );
  },
};

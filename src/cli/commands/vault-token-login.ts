import { partsOf } from '../../common/root-uri.ts';
import { type Command, homeOption, print, storeOption } from '../command.ts';
import {
  requireInitialised,
  type StateDirectory,
  stateDirectoryAt,
} from '../state-directory/state-directory.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
}

/** The command `vault token login`: an operator asks for a login at a token that has refused the last one. */
export const vaultTokenLogin: Command<Arguments> = {
  command: 'login',
  isManaged: true,
  describe:
    'Try one login at the token that has the root or keys, although the last one was refused or one more failure locks the PIN',
  builder: (yargs) => yargs.options(homeOption).options(storeOption),
  async run({ home, store }) {
    const { withDaemonIfAny } = await import('../state-directory/management.ts');
    const stateDirectory = stateDirectoryAt(home);
    const served = await withDaemonIfAny(stateDirectory, store, (call) => call('vault.tokenLogin', {}));
    if (served === undefined) {
      await logIn(stateDirectory);
      print('the token can be used');
      return;
    }
    const { sealedBecause } = served;
    const vault = sealedBecause === null ? 'the vault is unsealed' : `the vault is sealed: ${sealedBecause}`;
    // One that was up already was not asked for another login.
    print(`the token can be used; ${vault}`);
  },
};

/** Tries the tokens of a home that no daemon serves. The vault stays closed: opening it would log in, too. */
async function logIn(stateDirectory: StateDirectory): Promise<void> {
  const { TokenRoots } = await import('../state-directory/token-roots.ts');
  const { combineTokens } = await import('../state-directory/managed-tokens.ts');
  const { openTokenKeyPool } = await import('../state-directory/token-keys.ts');
  const { vault, tokenKeys } = requireInitialised(stateDirectory);
  const { root } = vault;
  const tokens = new TokenRoots(stateDirectory);
  // Nothing is made, so no key needs a name.
  const pool = openTokenKeyPool(stateDirectory, tokenKeys, { storeNames: [] });
  try {
    for (const part of root.flatMap(partsOf)) if (part.kind === 'pkcs11') tokens.open(part.uri);
    await combineTokens(tokens, pool).logIn();
  } finally {
    await Promise.all([tokens.close(), pool?.close()]);
  }
}

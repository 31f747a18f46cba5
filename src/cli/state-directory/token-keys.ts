import type { TokenKeySettings } from '../../config/token-keys.ts';
import { type KeyPoolOptions, TokenKeyPool } from '../../token/keys/key-pool.ts';
import { parseTokenUri } from '../../token/token-uri.ts';
import { watchFiles } from '../../vault/roots/watch-files.ts';
import type { Vault } from '../../vault/vault.ts';
import { CommandError } from '../failure.ts';
import type { StateDirectory } from './state-directory.ts';
import { loginOptions } from './token-roots.ts';

const ownerDigits = 16;

/**
 * Opens the token in which keys of clients are made, if there is one; nothing is started yet. Labels of the
 * keys name the database as anchors do, so that nothing in the token names it to others.
 * @throws {CommandError} when kmipd cannot use the URI.
 */
export function openTokenKeyPool(
  stateDirectory: StateDirectory,
  { token, processes }: TokenKeySettings,
  vault: Pick<Vault, 'storeNames'>,
  observers: Pick<KeyPoolOptions, 'onStatus' | 'onFailure'> = {},
): TokenKeyPool | undefined {
  if (token === undefined) return undefined;
  let uri: ReturnType<typeof parseTokenUri>;
  try {
    uri = parseTokenUri(token, stateDirectory.directory);
    if (uri.object !== undefined || uri.id !== undefined || uri.type !== undefined)
      throw new Error('leave out object, id and type: kmipd makes the keys and names them itself');
  } catch (error) {
    throw new CommandError(`"tokenKeys.token": ${(error as Error).message}`);
  }
  return new TokenKeyPool(uri, {
    ...{ processes, watchFiles, ...observers },
    owners: () => vault.storeNames.map((name) => name.slice(0, ownerDigits)),
    client: loginOptions(stateDirectory, uri),
  });
}

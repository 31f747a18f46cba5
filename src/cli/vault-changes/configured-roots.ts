import { chownSync, realpathSync, statSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { writeFileAtomically } from '../../common/durable-file.ts';
import { readTextFile } from '../../common/regular-file.ts';
import { formatRootUri } from '../../common/root-uri.ts';
import { setConfigValue } from '../../config/edit.ts';
import { CommandError } from '../failure.ts';
import { readStateConfig, type StateDirectory } from '../state-directory/state-directory.ts';

/**
 * Makes `[vault] root` of a configuration these roots, one or two; comments and everything else stay. Changes
 * nothing where they are there already.
 * @throws {CommandError} when the file cannot be changed, with what to write there.
 */
export function configureRoots(stateDirectory: StateDirectory, uris: readonly string[]): void {
  const { vault } = readStateConfig(stateDirectory);
  if (isDeepStrictEqual(vault.root.map(formatRootUri), uris)) return;
  const value = uris.length === 1 ? (uris[0] as string) : uris;
  const { config: link } = stateDirectory;
  try {
    // A link leads to where the operator keeps it.
    const file = realpathSync(link);
    const text = setConfigValue(readTextFile(file, 'configuration'), 'vault', 'root', value);
    if (text === undefined) throw new Error('its form is not one that kmipd changes');
    const { mode, uid, gid } = statSync(file);
    writeFileAtomically(file, text, mode & 0o777);
    if (process.getuid?.() === 0) chownSync(file, uid, gid);
  } catch (error) {
    throw new CommandError(
      `${link} is not changed (${(error as Error).message}): set root = ${JSON.stringify(value)} in its section [vault], and run the command again`,
    );
  }
}

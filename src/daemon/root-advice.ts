import { realpathSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import type { StateDirectory } from '../cli/state-directory/state-directory.ts';
import { partsOf } from '../common/root-uri.ts';
import type { Config } from '../config/index.ts';
import { sqliteFileOf } from '../store/sqlite-file.ts';

/**
 * Returns the advice to keep the root key elsewhere than the database or the home, one line; undefined where
 * it is elsewhere. A copy of that directory, such as a backup, would have both.
 */
export function findRootAdvice(
  { directory }: StateDirectory,
  { vault, store }: Pick<Config, 'vault' | 'store'>,
): string | undefined {
  // Of roots that are joined, a copy of the directory has one only.
  const parts = vault.root.map(partsOf).flatMap((joined) => (joined.length > 1 ? [] : joined));
  const database = sqliteFileOf(store);
  const places = [
    ...(database === undefined ? [] : [['the database', dirname(database)] as const]),
    ['the home', directory] as const,
  ];
  for (const part of parts) {
    const file = part.kind === 'file' ? part.path : part.kind === 'passphrase' ? part.file : undefined;
    const place = file === undefined ? undefined : places.find(([, path]) => isWithin(dirname(file), path));
    if (place !== undefined)
      return `the ${part.kind === 'file' ? 'root key' : 'passphrase'} ${file} lies beside ${place[0]}: whoever copies ${place[1]} has both; keep it elsewhere, see [vault] root`;
  }
  return undefined;
}

function isWithin(directory: string, other: string): boolean {
  const path = relative(resolveLinks(other), resolveLinks(directory));
  return path === '' || !(path === '..' || path.startsWith('../'));
}

function resolveLinks(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return directory;
  }
}

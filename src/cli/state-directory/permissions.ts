import { statSync } from 'node:fs';
import type { Config } from '../../config/index.ts';
import type { StateDirectory } from './state-directory.ts';

/** Bits of a mode for the group and for all other users. */
const group = 0o070;
const others = 0o007;

/** A file or directory that more users can reach than should. */
export interface ExposedFile {
  readonly file: string;
  /** One line: who can do what, and the remedy. */
  readonly reason: string;
}

/**
 * Returns what other users of the machine can read or change: the state directory and the server's key may be
 * shared with a group, the key of the authority with nobody. The root key is checked where it is read.
 */
export function findExposedFiles(
  stateDirectory: StateDirectory,
  { tls }: Pick<Config, 'tls'>,
): ExposedFile[] {
  const checks: readonly (readonly [file: string, forbidden: number, remedy: string])[] = [
    [stateDirectory.directory, others, 'chmod 700'],
    [stateDirectory.authority.key, group | others, 'chmod 600'],
    [tls.key, others, 'chmod 600'],
  ];
  return checks.flatMap(([file, forbidden, remedy]) => {
    const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
    if ((mode & forbidden) === 0) return [];
    const who = (mode & others) !== 0 ? 'every user' : 'its group';
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    return [{ file, reason: `${who} of this machine can reach it (mode ${octal}): ${remedy} it` }];
  });
}

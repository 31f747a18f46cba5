import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Config, readConfigFile } from '../../config/index.ts';
import { CommandError } from '../failure.ts';

/** Where everything of one home directory lies. */
export interface StateDirectory {
  readonly directory: string;
  readonly config: string;
  readonly rootKey: string;
  readonly authority: { readonly certificate: string; readonly key: string };
  readonly clients: string;
  /** Stands while an initialisation is under way, so that the next start can finish it. */
  readonly unfinishedMarker: string;
}

export function stateDirectoryAt(directory: string): StateDirectory {
  const base = resolve(directory);
  return {
    directory: base,
    config: join(base, 'kmipd.toml'),
    rootKey: join(base, 'root.key'),
    authority: { certificate: join(base, 'ca', 'ca.pem'), key: join(base, 'ca', 'ca.key') },
    clients: join(base, 'clients'),
    unfinishedMarker: join(base, 'initialisation-unfinished'),
  };
}

/** Configuration of a home. Throws ConfigError. */
export function readStateConfig(stateDirectory: StateDirectory): Config {
  return readConfigFile(stateDirectory.config, stateDirectory.directory);
}

/**
 * Fresh: nothing here is worth keeping (a configuration may stand ready). Unfinished: an initialisation was cut off.
 * Ready: initialised, whatever may be missing by now.
 */
export function initialisationState(stateDirectory: StateDirectory): 'fresh' | 'unfinished' | 'ready' {
  if (existsSync(stateDirectory.unfinishedMarker)) return 'unfinished';
  const kept = [stateDirectory.rootKey, stateDirectory.authority.certificate, stateDirectory.authority.key];
  return kept.some((file) => existsSync(file)) ? 'ready' : 'fresh';
}

/** Configuration of an initialised home. Throws CommandError with what to do about any other. */
export function requireInitialised(stateDirectory: StateDirectory): Config {
  const state = initialisationState(stateDirectory);
  if (state === 'ready') return readStateConfig(stateDirectory);
  const what = state === 'fresh' ? 'is not initialised' : 'was not initialised to the end';
  throw new CommandError(
    `${stateDirectory.directory} ${what}; run: kmipd init --home ${stateDirectory.directory}`,
  );
}

/** Text of a file that must be there; `what` names it, `remedy` says what to do when it is not. */
export function readRequiredFile(file: string, what: string, remedy: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CommandError(`${what} ${file} is missing; ${remedy}`);
  }
}

/** Creates a directory for this user alone, with its parents; one that exists keeps its mode. */
export function makeDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
}

/**
 * Writes a file whole or not at all, and durably: under another name first, then renamed. `mode` is exact, whatever
 * the umask.
 */
export function writeFileAtomically(file: string, content: string | Uint8Array, mode: number): void {
  const temporary = `${file}.new`;
  rmSync(temporary, { force: true });
  const descriptor = openSync(temporary, 'wx', mode);
  try {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    chmodSync(temporary, mode);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
  fsyncDirectory(dirname(file));
}

/** Makes names that were created, renamed or removed in a directory durable. */
export function fsyncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

import { mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readTextFile } from '../../common/regular-file.ts';
import { type Config, readConfigFile } from '../../config/index.ts';
import { CommandError } from '../failure.ts';

/** The absolute paths of a state directory (`--home`). */
export interface StateDirectory {
  readonly directory: string;
  readonly config: string;
  /** The root key where the configuration names no other root. */
  readonly rootKey: string;
  /** What this home keeps of its root, nothing secret: a salt, how shares are recognised. */
  readonly rootSettings: string;
  /** A change of the root that has begun. */
  readonly rootChange: string;
  /** By which the keyring of the database is recognised. */
  readonly keyringPin: string;
  /** Beginning of the names of files, each of which remembers a login that a token has refused. */
  readonly tokenLogin: string;
  /** Name of this node among those that write to one database. */
  readonly node: string;
  /** Directory of what the audit log keeps outside the database. */
  readonly audit: string;
  /** The states of databases that processes have seen, by the kind of process. */
  readonly anchors: { readonly daemon: string; readonly command: string };
  readonly authority: { readonly certificate: string; readonly key: string };
  readonly clients: string;
  /** Unix socket by which commands ask the daemon. */
  readonly socket: string;
  /** A file that exists during an initialisation, so that the next start can finish it. */
  readonly unfinishedMarker: string;
}

/**
 * Returns the paths of the state directory at a path, which need not exist.
 * @throws {CommandError} for a path that is not UTF-8: Node would use another one, with U+FFFD in it.
 */
export function stateDirectoryAt(directory: string): StateDirectory {
  const base = resolve(directory);
  if (base.includes('\ufffd'))
    throw new CommandError(`${base}: this path is not UTF-8; use another home, or rename the directory`);
  return {
    directory: base,
    config: join(base, 'kmipd.toml'),
    rootKey: join(base, 'root.key'),
    rootSettings: join(base, 'root-settings.json'),
    rootChange: join(base, 'root-change.json'),
    keyringPin: join(base, 'keyring.pin'),
    tokenLogin: join(base, 'token-login'),
    node: join(base, 'node'),
    audit: join(base, 'audit'),
    anchors: { daemon: join(base, 'anchor'), command: join(base, 'anchor-command') },
    authority: { certificate: join(base, 'ca', 'ca.pem'), key: join(base, 'ca', 'ca.key') },
    clients: join(base, 'clients'),
    socket: join(base, 'kmipd.sock'),
    unfinishedMarker: join(base, 'initialisation-unfinished'),
  };
}

/**
 * Reads the configuration of a state directory.
 * @throws {ConfigError} with every problem of the file.
 */
export function readStateConfig(stateDirectory: StateDirectory): Config {
  return readConfigFile(stateDirectory.config, stateDirectory.directory);
}

/**
 * Tells how far a state directory is initialised. Fresh: at most a configuration file exists. Unfinished: an
 * initialisation was interrupted. Ready: it was initialised, even if files are missing now.
 * @throws the system's error, with `code` and `path`, when this user may not look into it.
 */
export function initialisationState(stateDirectory: StateDirectory): 'fresh' | 'unfinished' | 'ready' {
  const kept = [stateDirectory.rootKey, stateDirectory.authority.certificate, stateDirectory.authority.key];
  try {
    if (isPresent(stateDirectory.unfinishedMarker)) return 'unfinished';
    return kept.some(isPresent) ? 'ready' : 'fresh';
  } catch (error) {
    // It is a directory that cannot be searched, not the file that was looked for.
    throw Object.assign(error as Error, { path: stateDirectory.directory });
  }
}

/**
 * Whether a file is there. What cannot be looked up, such as a file in another user's directory, is not taken
 * for a missing one.
 * @throws the system's error, with `code` and `path`.
 */
function isPresent(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

/**
 * Reads the configuration of an initialised state directory.
 * @throws {CommandError} with the remedy when it is not initialised.
 * @throws {ConfigError} with every problem of the file.
 */
export function requireInitialised(stateDirectory: StateDirectory): Config {
  const state = initialisationState(stateDirectory);
  if (state === 'ready') return readStateConfig(stateDirectory);
  const what = state === 'fresh' ? 'is not initialised' : 'was not initialised to the end';
  throw new CommandError(
    `${stateDirectory.directory} ${what}; run: kmipd init --home ${stateDirectory.directory}`,
  );
}

/**
 * Reads a file of certificates or keys (PEM) that must exist.
 * @throws {CommandError} when it is missing; `what` names the file in the message, `remedy` is its end.
 * @throws {UnusableFileError} when it is no regular file, or too large; the system's error, with `code` and
 *   `path`.
 */
export function readRequiredFile(file: string, what: string, remedy: string): string {
  try {
    return readTextFile(file, 'certificates');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CommandError(`${what} ${file} is missing; ${remedy}`);
  }
}

/**
 * Creates a directory with mode 0700, and its parents; a directory that exists keeps its mode. Does not use
 * the option `recursive`, with which Node never returns where no directory can be, as in /proc.
 * @throws {CommandError} when the path, or a part of it, is no directory.
 * @throws the system's error, with `code` and `path`.
 */
export function makeDirectory(directory: string): void {
  const present = statSync(directory, { throwIfNoEntry: false });
  if (present?.isDirectory()) return;
  if (present !== undefined) throw new CommandError(`${directory}: this is a file, not a directory`);
  makeDirectory(dirname(directory));
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    const madeMeanwhile = (error as NodeJS.ErrnoException).code === 'EEXIST';
    if (!madeMeanwhile || !statSync(directory).isDirectory()) throw error;
  }
}

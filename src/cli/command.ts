import { readFileSync } from 'node:fs';
import type { Argv } from 'yargs';
import * as values from '../config/values.ts';
import { UsageError } from './failure.ts';

/** One command: how it is written, and what it does once the whole command line has been understood. */
export interface Command<Arguments = never> {
  /** As yargs has it: `add <name>`, the word first. */
  readonly command: string;
  readonly describe: string;
  builder(yargs: Argv): Argv;
  /** Rejects with what `linesOf` can tell. */
  run(args: Arguments): Promise<void>;
}

/** Commands that share their first word. */
export interface CommandGroup {
  readonly command: string;
  readonly describe: string;
  readonly commands: readonly (Command | CommandGroup)[];
}

/** Options that may be given several times. */
export const repeatableOptions: ReadonlySet<string> = new Set(['name']);

/** One line (or several) for whoever started the command. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A file that the command line names. Node does not say which one it was when it is a directory. */
export function readInput(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw error instanceof Error && 'code' in error ? Object.assign(error, { path: file }) : error;
  }
}

/** Where the home is unless `--home` says otherwise. */
const defaultHome = './var';

export const homeOption = {
  home: {
    type: 'string',
    default: defaultHome,
    requiresArg: true,
    describe: 'Directory of keys, database and configuration',
  },
} as const;

export const storeOption = {
  store: {
    type: 'string',
    requiresArg: true,
    describe: 'sqlite:FILE or postgres://USER@HOST/DATABASE, instead of the configured one',
  },
} as const;

/** Adds options that `serve` and `init` share. */
export function withListenerOptions(yargs: Argv): Argv {
  return yargs
    .options(homeOption)
    .option('listen', { type: 'string', requiresArg: true, describe: 'HOST:PORT where KMIP clients connect' })
    .option('https', {
      type: 'string',
      requiresArg: true,
      describe: 'HOST:PORT where KMIP clients connect over HTTPS',
    })
    .options(storeOption)
    .option('metrics', { type: 'string', requiresArg: true, describe: 'HOST:PORT of metrics and health' });
}

/** Value of an option read as the configuration would read it. Throws UsageError. */
export function readOption<T>(
  name: string,
  value: string | undefined,
  read: values.ValueReader<T>,
): T | undefined {
  if (value === undefined) return undefined;
  try {
    return read(value, process.cwd());
  } catch (error) {
    if (error instanceof values.ConfigValueError) throw new UsageError(`--${name} ${error.message}`);
    throw error;
  }
}

const plainNamePattern = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

/** Names of clients and groups end up in paths, certificates and logs. Throws UsageError. */
export function requirePlainName(what: string, value: string): string {
  if (plainNamePattern.test(value)) return value;
  throw new UsageError(
    `${what} ${JSON.stringify(value)} is not possible; use 1 to 64 letters, digits and . _ @ -, a letter or digit first`,
  );
}

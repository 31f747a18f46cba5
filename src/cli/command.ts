import { closeSync, openSync, readSync } from 'node:fs';
import type { Argv } from 'yargs';
import { type EscapeNotation, escapeLines, escapeUnprintable } from '../../codec/unprintable.ts';
import { concatBytes } from '../common/bytes.ts';
import * as values from '../config/values.ts';
import { CommandError, UsageError } from './failure.ts';

/** A command: its syntax, and its effect once the whole command line is parsed. */
export interface Command<Arguments = never> {
  /** Name and positional arguments in the syntax of yargs: `add <name>`. */
  readonly command: string;
  readonly describe: string;
  builder(yargs: Argv): Argv;
  /** Runs the command. Rejects with an error that `failureLines` turns into text. */
  run(args: Arguments): Promise<void>;
}

/** Commands that share their first word: `client add`, `client list`, …. */
export interface CommandGroup {
  readonly command: string;
  readonly describe: string;
  readonly commands: readonly (Command | CommandGroup)[];
}

/** The options that a command line may contain several times. */
export const repeatableOptions: ReadonlySet<string> = new Set(['name']);

/**
 * Writes one line, or several, to standard output. Texts of others may be among it, so unprintable characters
 * are escaped, in that notation.
 */
export function print(text: string, notation?: EscapeNotation): void {
  process.stdout.write(`${escapeLines(text, notation)}\n`);
}

/** Writes one line to standard error, escaped as `print` does. */
export function printError(line: string): void {
  process.stderr.write(`${escapeUnprintable(line)}\n`);
}

/** Bytes of the largest certificate, certificate request or password file that a command reads. */
const maxInputBytes = 16 * 1024 * 1024;

/**
 * Reads a file that the command line names, or standard input (0), which need not end. For a directory Node's
 * error has no path, so the path is added.
 * @throws {CommandError} when there are more than `maxBytes`; the system's error, with `code` and `path`.
 */
export function readInput(file: string | 0, maxBytes = maxInputBytes): Uint8Array {
  try {
    const descriptor = file === 0 ? file : openSync(file, 'r');
    try {
      return readBytes(descriptor, maxBytes);
    } finally {
      if (descriptor !== 0) closeSync(descriptor);
    }
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? Object.assign(error, { path: file || '-' }) : error;
  }
}

function readBytes(descriptor: number, maxBytes: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (let total = 0; ; ) {
    const chunk = new Uint8Array(65_536);
    const count = readSync(descriptor, chunk);
    if (count === 0) return concatBytes(chunks);
    total += count;
    if (total > maxBytes) throw new CommandError(`the input has more than the ${maxBytes} bytes allowed`);
    chunks.push(chunk.subarray(0, count));
  }
}

const defaultHome = './var';

/** The option `--home`, which names the state directory. */
export const homeOption = {
  home: {
    type: 'string',
    default: defaultHome,
    requiresArg: true,
    describe: 'Directory of keys, database and configuration',
  },
} as const;

/** The option `--store`, which takes precedence over the configuration. */
export const storeOption = {
  store: {
    type: 'string',
    requiresArg: true,
    describe: 'sqlite:FILE or postgres://USER@HOST/DATABASE, instead of the configured one',
  },
} as const;

/** Adds the options that `serve` and `init` share. */
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

/**
 * Converts the value of an option as if it stood in the configuration; undefined when the option is absent.
 * @throws {UsageError} when the value is not possible.
 */
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

/**
 * Returns a name of a client or group when it is safe in paths, certificates and logs; `what` names it in the
 * message.
 * @throws {UsageError} when it is not.
 */
export function requirePlainName(what: string, value: string): string {
  if (plainNamePattern.test(value)) return value;
  throw new UsageError(
    `${what} ${JSON.stringify(value)} is not possible; use 1 to 64 letters, digits and . _ @ -, a letter or digit first`,
  );
}

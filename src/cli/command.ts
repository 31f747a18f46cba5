import { statSync } from 'node:fs';
import type { Argv } from 'yargs';
import { type EscapeNotation, escapeLines, escapeUnprintable } from '../../codec/unprintable.ts';
import { isPlainName } from '../common/plain-name.ts';
import { type FileKind, readSecretToEnd, readToEnd, withRegularFile } from '../common/regular-file.ts';
import type { Secret } from '../common/secret.ts';
import * as values from '../config/values.ts';
import { UsageError } from './failure.ts';

/** A command: its syntax, and its effect once the whole command line is parsed. */
export interface Command<Arguments = never> {
  /** Name and positional arguments in the syntax of yargs: `add <name>`. */
  readonly command: string;
  readonly describe: string;
  builder(yargs: Argv): Argv;
  /** Whether it calls the management service, so that `--as` says by whom. */
  readonly isManaged?: true;
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
export const repeatableOptions: ReadonlySet<string> = new Set(['name', 'checkpoints', 'trust']);

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

/**
 * Reads a file that the command line names, or standard input (0). A pipe that the shell passes, such as
 * `<(command)`, is read like standard input; others may have no writer.
 * @throws {UnusableFileError} when it is neither, or has more bytes than its kind may have.
 * @throws the system's error, with `code` and `path`.
 */
export function readInput(file: string | 0, kind: FileKind): Uint8Array {
  return withInput(file, (descriptor, path) => readToEnd(descriptor, path, kind));
}

/**
 * Reads a secret likewise, into memory of its own.
 * @throws as `readInput`
 */
export function readSecretFrom(file: string | 0): Secret {
  return withInput(file, (descriptor, path) => readSecretToEnd(descriptor, path, 'password'));
}

/** Gives the open input to `read`, with its name for messages. */
function withInput<T>(file: string | 0, read: (descriptor: number, path: string) => T): T {
  const descriptor = file === 0 ? file : findPassedPipe(file);
  return descriptor === undefined
    ? withRegularFile(String(file), (opened) => read(opened, String(file)))
    : read(descriptor, file || 'the standard input');
}

/** Returns the descriptor of a path that stands for an open pipe of this process. */
function findPassedPipe(path: string): number | undefined {
  const match = /^\/dev\/(?:stdin|fd\/(\d{1,6}))$/.exec(path);
  if (match === null) return undefined;
  const stats = statSync(path);
  return stats.isFIFO() || stats.isSocket() ? Number(match[1] ?? 0) : undefined;
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

/** The option `--json` of lists. */
export const jsonOption = {
  json: { type: 'boolean', default: false, describe: 'One JSON object a line' },
} as const;

/** The option `--store`, which takes precedence over the configuration. */
export const storeOption = {
  store: {
    type: 'string',
    requiresArg: true,
    describe: 'sqlite:FILE or postgres://USER@HOST/DATABASE, instead of the configured one',
  },
} as const;

/** The options of every command that calls the management service. */
export const administratorOptions = {
  as: {
    type: 'string',
    requiresArg: true,
    describe: 'Name of the administrator who does it; its role decides [nameless: admin]',
  },
  'as-key': {
    type: 'string',
    requiresArg: true,
    describe: 'File with the private key of its certificate (PEM); without it, a password is asked for',
  },
  'as-password-file': {
    type: 'string',
    requiresArg: true,
    describe: 'File with its password, instead of the terminal',
  },
  'as-totp': {
    type: 'string',
    requiresArg: true,
    describe: 'Its one-time password of six digits, instead of the terminal',
  },
  'as-wait': {
    type: 'string',
    requiresArg: true,
    describe: 'Seconds to wait for the approval of another administrator, where one is needed [0]',
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
 * Reads a whole number that is written in decimal digits; undefined when the option is absent.
 * @throws {UsageError} for any other text, `0x10` or spaces among them.
 */
export function readWholeNumber(
  name: string,
  value: string | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  if (value === undefined) return undefined;
  const number = /^[0-9]{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(`--${name} must be a whole number from ${min} to ${max}`);
}

const timePattern = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/;

/**
 * Reads a time in ISO 8601 with its zone, or a date, which counts as its midnight in UTC; returns
 * milliseconds since 1970.
 * @throws {UsageError} when the text is no such time
 */
export function readTime(option: string, text: string): number {
  const [day = ''] = /^[\d-]{10}/.exec(text) ?? [];
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // A day that its month does not have would be one of the next.
  const isDay = midnight >= 0 && new Date(midnight).toISOString().startsWith(day);
  const time = isDay && timePattern.test(text) ? Date.parse(text) : Number.NaN;
  if (time >= 0) return time;
  throw new UsageError(
    `--${option} must be a day, or a time with its zone, such as 2026-11-30 or 2026-11-30T12:00:00Z`,
  );
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

/**
 * Returns a name of a client or group when it is safe in paths, certificates and logs; `what` names it in the
 * message.
 * @throws {UsageError} when it is not.
 */
export function requirePlainName(what: string, value: string): string {
  if (isPlainName(value)) return value;
  throw new UsageError(
    `${what} ${JSON.stringify(value)} is not possible; use 1 to 64 letters, digits and . _ @ -, a letter or digit first`,
  );
}

/**
 * Reads the Unique Identifier of an object: as it is, or in quotation marks as a text of JSON, as lists show
 * what a client has put into it that cannot be typed.
 */
function readIdentifier(text: string | undefined): string | undefined {
  if (!text?.startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}

/** The argument or option that takes the Unique Identifier of an object. */
export const identifierArgument = (describe: string) =>
  ({ type: 'string', describe, coerce: readIdentifier }) as const;

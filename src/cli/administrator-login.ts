import { createPrivateKey, type KeyObject } from 'node:crypto';
import { isatty } from 'node:tty';
import { isPlainName } from '../common/plain-name.ts';
import { Secret } from '../common/secret.ts';
import { totpDigits } from '../identity/totp.ts';
import type { ShownCredential } from '../management/login.ts';
import { readSecretFrom, readWholeNumber } from './command.ts';
import { CommandError, UsageError } from './failure.ts';

/** The options that say which administrator runs a command. */
export interface AdministratorArguments {
  readonly as?: string;
  readonly 'as-key'?: string;
  readonly 'as-password-file'?: string;
  readonly 'as-totp'?: string;
  readonly 'as-wait'?: string;
}

/**
 * The administrator of the command that runs in this process; undefined: the nameless admin. Commands do not
 * pass it on themselves, so that none can forget to and act with more rights than it was given.
 */
let running: AdministratorArguments | undefined;

const maxWaitSeconds = 30 * 86_400;

/** Runs a command for the administrator of its options; undefined where it calls no management service. */
export async function useAdministrator(
  administrator: AdministratorArguments | undefined,
  run: () => Promise<void>,
): Promise<void> {
  running = administrator?.as === undefined ? undefined : administrator;
  try {
    await run();
  } finally {
    running = undefined;
  }
}

/** Whether the command is run for an administrator. */
export const hasAdministrator = (): boolean => running !== undefined;

/** How long the command waits for the approval of another administrator: seconds. */
export const approvalWaitSeconds = (): number => Number(running?.['as-wait'] ?? 0);

/** Whether a login of the command writes: a one-time password is stored as used. */
export const isLoginStored = (): boolean => running !== undefined && running['as-key'] === undefined;

/** @throws {UsageError} when options of the administrator contradict each other. */
export function refuseContradictions(options: AdministratorArguments): void {
  const { as: name, 'as-key': key, 'as-totp': code } = options;
  const others = (['as-key', 'as-password-file', 'as-totp'] as const).filter((each) => options[each]);
  const given = [...others, ...(options['as-wait'] === undefined ? [] : ['as-wait'])];
  if (name === undefined && given.length > 0)
    throw new UsageError(`--${given[0]} belongs to an administrator; give --as NAME`);
  readWholeNumber('as-wait', options['as-wait'], { min: 0, max: maxWaitSeconds });
  if (name !== undefined && !isPlainName(name))
    throw new UsageError(`--as ${JSON.stringify(name)} is no name of an administrator`);
  if (key !== undefined && others.length > 1)
    throw new UsageError('--as-key needs no password and no one-time password; leave them out');
  if (code !== undefined && !isCode(code))
    throw new UsageError(`--as-totp takes the ${totpDigits} digits of the authenticator`);
}

const isCode = (text: string): boolean => new RegExp(`^[0-9]{${totpDigits}}$`).test(text);

/**
 * Gives `use` what the administrator of the command shows to log in, and overwrites it; undefined where the
 * command is run without one. Asks at the terminal for what no option names.
 * @throws {CommandError} when there is no terminal, or a file cannot be used.
 */
export async function withShownCredential<T>(
  use: (shown: ShownCredential | undefined) => Promise<T>,
): Promise<T> {
  if (running?.as === undefined) return use(undefined);
  const { as: name, 'as-key': keyFile, 'as-password-file': passwordFile, 'as-totp': code } = running;
  if (keyFile !== undefined) return use({ name, key: readKey(keyFile) });
  using password = await readPasswordOf(name, passwordFile);
  using shownCode = await readCode(code);
  // Not before it has ended are both overwritten.
  return await use({ name, password, code: shownCode });
}

function readKey(file: string): KeyObject {
  using pem = readSecretFrom(file);
  const { buffer, byteOffset, length } = pem.bytes;
  try {
    return createPrivateKey(Buffer.from(buffer as ArrayBuffer, byteOffset, length));
  } catch {
    throw new CommandError(`${file} contains no unencrypted private key in PEM form`);
  }
}

async function readPasswordOf(name: string, file: string | undefined): Promise<Secret> {
  const { readSecretInput, requireOneLine } = await import('./password-input.ts');
  if (file === undefined && !isatty(0))
    throw new CommandError('there is no terminal to ask for the password; give --as-password-file');
  using given = await readSecretInput(`password of administrator ${name}`, file);
  return Secret.copyOf(requireOneLine(given.bytes, file ?? 'the input'));
}

async function readCode(code: string | undefined): Promise<Secret> {
  const { readSecretInput } = await import('./password-input.ts');
  if (code !== undefined) return Secret.copyOf(new TextEncoder().encode(code));
  if (!isatty(0))
    throw new CommandError('there is no terminal to ask for the one-time password; give --as-totp');
  using typed = await readSecretInput(`one-time password (${totpDigits} digits)`);
  const text = new TextDecoder().decode(typed.bytes).trim();
  if (!isCode(text)) throw new CommandError(`a one-time password has ${totpDigits} digits`);
  return Secret.copyOf(new TextEncoder().encode(text));
}

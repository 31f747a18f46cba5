import { randomBytes } from 'node:crypto';
import type { ClientCredentials, CredentialUse, DeviceFields } from '../../identity/credentials.ts';
import { fingerprintOfCode, hashedPasswordVerifier, passwordVerifier } from '../../identity/passwords.ts';
import { type Command, type CommandGroup, print, requirePlainName } from '../command.ts';
import { CommandError, UsageError } from '../failure.ts';
import { readPassword } from '../password-input.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';
import {
  type CredentialCommandArguments,
  deviceFieldsOf,
  deviceName,
  deviceOptionNames,
  hasSameFields,
  withClientOptions,
  withCredentialOptions,
} from './client-credential-options.ts';

interface AddArguments extends CredentialCommandArguments {
  readonly 'password-file'?: string;
  readonly 'without-password'?: boolean;
  readonly hashed?: boolean;
  readonly 'one-time'?: string;
}

interface RemoveArguments extends CredentialCommandArguments {
  readonly all?: boolean;
}

const maxOneTimePasswords = 100;
/** Credentials of one client. Its record is read with every message, so it has to stay small. */
const maxCredentials = 32;

const add: Command<AddArguments> = {
  command: 'add <client>',
  describe: 'Require a password or a device of a client besides its certificate',
  builder: (yargs) =>
    withCredentialOptions(yargs)
      .option('password-file', {
        type: 'string',
        requiresArg: true,
        describe: 'File with the password [standard input, or asked for]',
      })
      .option('without-password', { type: 'boolean', describe: 'The device has none' })
      .option('hashed', {
        type: 'boolean',
        describe:
          'Accept the hashed password too (KMIP 2.x); the stored value is then faster to attack by guessing',
      })
      .option('one-time', {
        type: 'string',
        requiresArg: true,
        describe: 'Generate and print this many passwords, each valid once, instead of reading one',
      })
      .conflicts('one-time', ['password-file', 'hashed', ...deviceOptionNames])
      .conflicts('without-password', ['password-file', 'username']),
  async run(args) {
    const { username } = args;
    const fields = deviceFieldsOf(args);
    if (username === undefined && Object.keys(fields).length === 0)
      throw new UsageError('which credential? give --username, or an identifier of a device');
    if (username === undefined && args.hashed)
      throw new UsageError('--hashed is about the password of a username; give --username');
    const count = oneTimeCountOf(args);
    const change =
      username === undefined
        ? addDevice(fields, await deviceVerifier(args))
        : count === undefined
          ? addPassword(username, await userVerifier(username, args))
          : addOneTimePasswords(username, count);
    await withCredentials(args, ({ client, credentials, use }) => {
      const { next, passwords = [], lines } = change(credentials, use);
      if (next.users.length + next.devices.length > maxCredentials)
        throw new CommandError(`client ${client} has ${maxCredentials} credentials; remove one first`);
      const first = credentials.users.length + credentials.devices.length === 0;
      const demand = `client ${client} must send its credentials with every request from now on`;
      return { next, passwords, lines: first ? [...lines, demand] : lines };
    });
  },
};

const list: Command<CredentialCommandArguments> = {
  command: 'list <client>',
  describe: 'List the credentials of a client',
  builder: withClientOptions,
  run: (args) =>
    withCredentials(args, ({ client, credentials, use }) => {
      const { users, devices } = credentials;
      const lines = [
        ...users.map(({ username, password, hashed, oneTime = [] }) => {
          const left = oneTime.filter((code) => !use.spent.includes(code)).length;
          return `username ${username}: ${[
            ...(password ? [hashed ? 'password, also hashed' : 'password'] : []),
            ...(oneTime.length > 0 ? [`${left} of ${oneTime.length} one-time passwords left`] : []),
          ].join(', ')}`;
        }),
        ...devices.map(({ fields, password }) => `${deviceName(fields)}: ${password ? '' : 'no '}password`),
      ];
      return { lines: lines.length > 0 ? lines : [`client ${client} has none; its certificate is enough`] };
    }),
};

const remove: Command<RemoveArguments> = {
  command: 'remove <client>',
  describe: 'Remove a credential; without any, the certificate is enough again',
  builder: (yargs) =>
    withCredentialOptions(yargs)
      .option('all', { type: 'boolean', describe: 'All of them' })
      .conflicts('all', ['username', ...deviceOptionNames]),
  run(args) {
    const { username, all } = args;
    const fields = deviceFieldsOf(args);
    if (username === undefined && !all && Object.keys(fields).length === 0)
      throw new UsageError('which one? give --username, the identifiers of the device, or --all');
    return withCredentials(args, ({ client, credentials: { users, devices } }) => {
      const next = {
        users: all ? [] : users.filter((user) => user.username !== username),
        devices: all ? [] : devices.filter((device) => !hasSameFields(device.fields, fields)),
      };
      const gone = users.length + devices.length - next.users.length - next.devices.length;
      if (gone === 0) throw new CommandError(`client ${client} has no such credential`);
      const left = next.users.length + next.devices.length;
      const rest = left === 0 ? 'its certificate is enough again' : `${left} left`;
      return { next, lines: [`${gone} removed from client ${client}; ${rest}`] };
    });
  },
};

/** The commands `client credential`. */
export const credentialCommands: CommandGroup = {
  command: 'credential',
  describe: 'Passwords and devices that a client sends besides its certificate',
  commands: [add, list, remove],
};

/** New credentials of a client, absent if they stay, and what to print. */
interface Changed {
  readonly next?: ClientCredentials;
  /** Passwords that were generated, one a line. */
  readonly passwords?: readonly string[];
  /** What was done. */
  readonly lines: readonly string[];
}

type Change = (
  credentials: ClientCredentials,
  use: CredentialUse,
) => Changed & { readonly next: ClientCredentials };

async function userVerifier(username: string, { 'password-file': file, hashed }: AddArguments) {
  const password = await readPassword(`password of ${username}`, file);
  return {
    password: await passwordVerifier(password),
    ...(hashed && { hashed: hashedPasswordVerifier(username, password) }),
  };
}

async function deviceVerifier({ 'password-file': file, 'without-password': without }: AddArguments) {
  if (without) return {};
  return { password: await passwordVerifier(await readPassword('password of the device', file)) };
}

function addPassword(username: string, verifier: Awaited<ReturnType<typeof userVerifier>>): Change {
  return ({ users, devices }) => {
    const known = users.find((user) => user.username === username);
    const { oneTime } = known ?? {};
    const user = { username, ...verifier, ...(oneTime && { oneTime }) };
    const next = { users: [...users.filter((each) => each !== known), user], devices };
    const word = known?.password === undefined ? 'a password' : 'a new password';
    return { next, lines: [`username ${username} has ${word}`] };
  };
}

function addDevice(fields: DeviceFields, verifier: Awaited<ReturnType<typeof deviceVerifier>>): Change {
  return ({ users, devices }) => {
    const others = devices.filter((device) => !hasSameFields(device.fields, fields));
    const next = { users, devices: [...others, { fields, ...verifier }] };
    const word = others.length === devices.length ? 'added' : 'changed';
    return { next, lines: [`${deviceName(fields)} is ${word}`] };
  };
}

/** Adds one-time passwords in place of those that have been used. */
function addOneTimePasswords(username: string, count: number): Change {
  const codes = Array.from({ length: count }, () => randomBytes(16).toString('hex'));
  return ({ users, devices }, { spent }) => {
    const known = users.find((user) => user.username === username);
    const unused = (known?.oneTime ?? []).filter((code) => !spent.includes(code));
    if (unused.length + count > maxOneTimePasswords)
      throw new CommandError(
        `username ${username} has ${unused.length} one-time passwords already, and at most ${maxOneTimePasswords} are possible`,
      );
    const oneTime = [...unused, ...codes.map(fingerprintOfCode)];
    const user = { ...(known ?? { username }), oneTime };
    return {
      next: { users: [...users.filter((each) => each !== known), user], devices },
      passwords: codes,
      lines: [],
    };
  };
}

function oneTimeCountOf({ 'one-time': value }: AddArguments): number | undefined {
  if (value === undefined) return undefined;
  const count = Number(value);
  if (Number.isInteger(count) && count >= 1 && count <= maxOneTimePasswords) return count;
  throw new UsageError(`--one-time cannot be ${value}; give a number from 1 to ${maxOneTimePasswords}`);
}

interface StoredCredentials {
  readonly client: string;
  readonly credentials: ClientCredentials;
  readonly use: CredentialUse;
}

/**
 * Loads the credentials of a client, stores those that `work` returns as `next`, if any, and prints its
 * lines.
 */
async function withCredentials(
  args: CredentialCommandArguments,
  work: (found: StoredCredentials) => Changed,
): Promise<void> {
  const client = requirePlainName('the name', args.client);
  const stateDirectory = stateDirectoryAt(args.home);
  const { withBackends } = await import('../state-directory/backends.ts');
  const { requireClient, notifyDaemon } = await import('../state-directory/client-directory.ts');
  const { CredentialDirectory } = await import('../../protocol/authentication/credential-directory.ts');
  const isChanged = await withBackends(stateDirectory, args.store, async ({ clients, store, vault }) => {
    await requireClient(clients, client);
    const directory = new CredentialDirectory(store, vault);
    const { next, passwords = [], lines } = work({ client, ...(await directory.of(client)) });
    // Before they are stored: a command that is killed in between leaves no password that nobody has seen.
    if (passwords.length > 0) print(passwords.join('\n'));
    if (next !== undefined) await directory.set(client, next);
    for (const line of lines) print(line);
    return next !== undefined;
  });
  if (isChanged) notifyDaemon(stateDirectory);
}

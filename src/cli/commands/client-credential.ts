import { randomBytes } from 'node:crypto';
import { type DeviceFields, maxOneTimePasswords } from '../../identity/credentials.ts';
import { fingerprintOfCode, hashedPasswordVerifier, passwordVerifier } from '../../identity/passwords.ts';
import type { ManagementCall } from '../../management/api.ts';
import { type Command, type CommandGroup, print, readWholeNumber, requirePlainName } from '../command.ts';
import { CommandError, failureLines, UsageError } from '../failure.ts';
import { readPassword } from '../password-input.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';
import {
  type CredentialCommandArguments,
  deviceFieldsOf,
  deviceName,
  deviceOptionNames,
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

const add: Command<AddArguments> = {
  command: 'add <client>',
  isManaged: true,
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
    const count = readWholeNumber('one-time', args['one-time'], { min: 1, max: maxOneTimePasswords });
    const begun =
      username === undefined
        ? addDevice(args, fields)
        : count === undefined
          ? addPassword(args, username)
          : addOneTimePasswords(args, username, count);
    const add = await begun;
    await withCredentials(args, async (call) => {
      if (await add(call))
        print(`client ${args.client} must send its credentials with every request from now on`);
    });
  },
};

const list: Command<CredentialCommandArguments> = {
  command: 'list <client>',
  isManaged: true,
  describe: 'List the credentials of a client',
  builder: withClientOptions,
  run: (args) =>
    withCredentials(
      args,
      async (call) => {
        const { client } = args;
        const { users, devices } = await call('credential.list', { client });
        for (const { username, hasPassword, isHashed, oneTime, unused } of users)
          print(
            `username ${username}: ${[
              ...(hasPassword ? [isHashed ? 'password, also hashed' : 'password'] : []),
              ...(oneTime > 0 ? [`${unused} of ${oneTime} one-time passwords left`] : []),
            ].join(', ')}`,
          );
        for (const { fields, hasPassword } of devices)
          print(`${deviceName(fields)}: ${hasPassword ? '' : 'no '}password`);
        if (users.length + devices.length === 0)
          print(`client ${client} has none; its certificate is enough`);
      },
      false,
    ),
};

const remove: Command<RemoveArguments> = {
  command: 'remove <client>',
  isManaged: true,
  describe: 'Remove a credential; without any, the certificate is enough again',
  builder: (yargs) =>
    withCredentialOptions(yargs)
      .option('all', { type: 'boolean', describe: 'All of them' })
      .conflicts('all', ['username', ...deviceOptionNames]),
  run(args) {
    const { client, username, all } = args;
    const fields = deviceFieldsOf(args);
    if (username === undefined && !all && Object.keys(fields).length === 0)
      throw new UsageError('which one? give --username, the identifiers of the device, or --all');
    const choice = all ? { all } : username === undefined ? { fields } : { username };
    return withCredentials(args, async (call) => {
      const { removed, left } = await call('credential.remove', { client, ...choice });
      const rest = left === 0 ? 'its certificate is enough again' : `${left} left`;
      print(`${removed} removed from client ${client}; ${rest}`);
    });
  },
};

/** The commands `client credential`. */
export const credentialCommands: CommandGroup = {
  command: 'credential',
  describe: 'Passwords and devices that a client sends besides its certificate',
  commands: [add, list, remove],
};

/** Adds a credential; whether it is the first one of the client. */
type Addition = (call: ManagementCall) => Promise<boolean>;

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

async function addPassword(args: AddArguments, username: string): Promise<Addition> {
  const verifier = await userVerifier(username, args);
  return async (call) => {
    const params = { client: args.client, username, ...verifier };
    const { isReplaced, isFirst } = await call('credential.addPassword', params);
    print(`username ${username} has ${isReplaced ? 'a new password' : 'a password'}`);
    return isFirst;
  };
}

async function addDevice(args: AddArguments, fields: DeviceFields): Promise<Addition> {
  const verifier = await deviceVerifier(args);
  return async (call) => {
    const params = { client: args.client, fields, ...verifier };
    const { isReplaced, isFirst } = await call('credential.addDevice', params);
    print(`${deviceName(fields)} is ${isReplaced ? 'changed' : 'added'}`);
    return isFirst;
  };
}

async function addOneTimePasswords(
  { client }: AddArguments,
  username: string,
  count: number,
): Promise<Addition> {
  const passwords = Array.from({ length: count }, () => randomBytes(16).toString('hex'));
  const params = { client, username, codes: passwords.map(fingerprintOfCode) };
  return async (call) => {
    await call('credential.checkOneTimePasswords', params);
    // Before they are stored: a command that is killed in between leaves no password that nobody has seen.
    print(passwords.join('\n'));
    try {
      return (await call('credential.addOneTimePasswords', params)).isFirst;
    } catch (error) {
      const why = failureLines(error).join('; ');
      const judgement = `the passwords above are not valid, unless kmipd client credential list ${client} counts them`;
      throw new CommandError(`${why}; ${judgement}`, { cause: error });
    }
  };
}

/** Runs `work` with the methods of the management service; `isChange`: they change the client. */
async function withCredentials(
  args: CredentialCommandArguments,
  work: (call: ManagementCall) => Promise<void>,
  isChange = true,
): Promise<void> {
  requirePlainName('the name', args.client);
  const { withManagement } = await import('../state-directory/management.ts');
  await withManagement(stateDirectoryAt(args.home), args.store, work, { notify: isChange });
}

import type { Argv } from 'yargs';
import { type DeviceFields, isCredentialText, maxCredentialText } from '../../identity/credentials.ts';
import { homeOption, storeOption } from '../command.ts';
import { UsageError } from '../failure.ts';

/** The options that identify a credential: a username, or the fields of a device. */
export interface CredentialArguments {
  readonly username?: string;
  readonly 'serial-number'?: string;
  readonly 'device-identifier'?: string;
  readonly 'network-identifier'?: string;
  readonly 'machine-identifier'?: string;
  readonly 'media-identifier'?: string;
}

/** The options of every command about credentials. */
export interface CredentialCommandArguments extends CredentialArguments {
  readonly client: string;
  readonly home: string;
  readonly store?: string;
}

/** The options that identify a device, and the fields of its credential. */
const deviceOptions = {
  'serial-number': 'DeviceSerialNumber',
  'device-identifier': 'DeviceIdentifier',
  'network-identifier': 'NetworkIdentifier',
  'machine-identifier': 'MachineIdentifier',
  'media-identifier': 'MediaIdentifier',
} as const;
type DeviceOption = keyof typeof deviceOptions;
/** The names of these options. */
export const deviceOptionNames = Object.keys(deviceOptions) as DeviceOption[];

/** Adds the options that identify a client and one of its credentials. */
export function withCredentialOptions(yargs: Argv): Argv {
  const text = { type: 'string', requiresArg: true } as const;
  return withClientOptions(yargs)
    .option('username', { ...text, describe: 'Username of a password or of one-time passwords' })
    .option('serial-number', { ...text, describe: 'Device Serial Number; this and the next four: a device' })
    .option('device-identifier', { ...text, describe: 'Device Identifier' })
    .option('network-identifier', { ...text, describe: 'Network Identifier' })
    .option('machine-identifier', { ...text, describe: 'Machine Identifier' })
    .option('media-identifier', { ...text, describe: 'Media Identifier' })
    .conflicts('username', deviceOptionNames);
}

/** Adds the options that identify a client. */
export function withClientOptions(yargs: Argv): Argv {
  return yargs
    .positional('client', { type: 'string', describe: 'Name of the client' })
    .options(homeOption)
    .options(storeOption);
}

/**
 * Returns the fields of the device that the options identify; none when they identify none.
 * @throws {UsageError} when a value is too long or not printable.
 */
export function deviceFieldsOf(args: CredentialArguments): DeviceFields {
  const fields = deviceOptionNames.flatMap((option) => {
    const value = args[option];
    return value === undefined ? [] : [[deviceOptions[option], requireShortText(option, value)]];
  });
  if (args.username !== undefined) requireShortText('username', args.username);
  return Object.fromEntries(fields);
}

function requireShortText(option: string, value: string): string {
  if (isCredentialText(value)) return value;
  throw new UsageError(`--${option} takes at most ${maxCredentialText} characters, none of them invisible`);
}

/** Describes a device by its fields, for messages. */
export function deviceName(fields: DeviceFields): string {
  const named = deviceOptionNames.flatMap((option) => {
    const value = fields[deviceOptions[option]];
    return value === undefined ? [] : [`${option.replace('-', ' ')} ${value}`];
  });
  return `device with ${named.join(', ')}`;
}

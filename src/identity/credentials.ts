import type { HashedPasswordVerifier, PasswordVerifier } from './passwords.ts';

/** The credentials of one username, of which a client has at most one entry. */
export interface UserCredential {
  readonly username: string;
  readonly password?: PasswordVerifier;
  /** Present when the client may use Hashed Password. */
  readonly hashed?: HashedPasswordVerifier;
  /** Fingerprints of the one-time passwords that were given out, used ones included. */
  readonly oneTime?: readonly string[];
}

/** Fields of a Device credential that identify a device (KMIP 2.1 §9.2). */
export const deviceFields = [
  'DeviceSerialNumber',
  'DeviceIdentifier',
  'NetworkIdentifier',
  'MachineIdentifier',
  'MediaIdentifier',
] as const;
export type DeviceFields = Readonly<Partial<Record<(typeof deviceFields)[number], string>>>;

const canonicalFields = (fields: DeviceFields): string =>
  JSON.stringify(Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Tells whether two devices have the same fields, in any order. */
export const hasSameFields = (a: DeviceFields, b: DeviceFields): boolean =>
  canonicalFields(a) === canonicalFields(b);

/** One-time passwords of one username that are not used. */
export const maxOneTimePasswords = 100;

/** UTF-16 units of a username or of a field of a device. */
export const maxCredentialText = 255;

/** Whether a text can be a username or a field of a device. */
export const isCredentialText = (text: string): boolean =>
  text.length <= maxCredentialText && !/\p{Cc}/u.test(text);

/** A device; a client has to show every field in it, with the same value. */
export interface DeviceCredential {
  readonly fields: DeviceFields;
  readonly password?: PasswordVerifier;
}

/** All credentials that the operator gave to one client. */
export interface ClientCredentials {
  readonly users: readonly UserCredential[];
  readonly devices: readonly DeviceCredential[];
}

/** The credentials of one client that can no longer be used. */
export interface CredentialUse {
  /** Username → the latest Timestamp of a Hashed Password, POSIX microseconds in decimal. */
  readonly timeStamps: Readonly<Record<string, string>>;
  /** Fingerprints of one-time passwords that have been used. */
  readonly spent: readonly string[];
}

/** The credentials of a client that the operator gave none. */
export const noCredentials: ClientCredentials = { users: [], devices: [] };

/** The use of credentials of which none has been used. */
export const unused: CredentialUse = { timeStamps: {}, spent: [] };

/** Used one-time passwords, and usernames, of removed credentials that stay used up: the latest. */
const maxRemovedCodes = 1_000;
const maxRemovedNames = 100;

/** Returns the use with a bounded number of entries of removed credentials. */
export function boundedUse(use: CredentialUse, { users }: ClientCredentials): CredentialUse {
  const codes = new Set(users.flatMap(({ oneTime = [] }) => oneTime));
  const names = new Set(users.map(({ username }) => username));
  const timeStamps = Object.entries(use.timeStamps).toSorted(([, a], [, b]) => Number(BigInt(a) - BigInt(b)));
  return {
    timeStamps: Object.fromEntries(
      keepLatest(timeStamps, ([username]) => names.has(username), maxRemovedNames),
    ),
    spent: keepLatest(use.spent, (code) => codes.has(code), maxRemovedCodes),
  };
}

/** Returns the entries that are current, and the last `max` of the others. */
function keepLatest<T>(entries: readonly T[], isCurrent: (entry: T) => boolean, max: number): readonly T[] {
  const dropped = new Set(entries.filter((entry) => !isCurrent(entry)).slice(0, -max));
  return entries.filter((entry) => !dropped.has(entry));
}

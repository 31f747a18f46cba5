import type { Credential } from '../../codec/structures/credentials.ts';
import type { ClientCredentials, CredentialUse, DeviceCredential, UserCredential } from './credentials.ts';
import { deviceFields } from './credentials.ts';
import type { LoginAttempt } from './login-throttle.ts';
import { answerToHashedPassword, fingerprintOfCode, includesText, isPassword } from './passwords.ts';

type ValueOf<Type extends string> = Extract<Credential, { CredentialType: Type }>['CredentialValue'];

/** The consequences of a credential that is valid. */
export interface VerifiedCredential {
  /**
   * To be remembered, so that the credential is not valid again: time of a Hashed Password, or one-time
   * password.
   */
  readonly uses?: { readonly username: string; readonly timeStamp: bigint } | { readonly code: string };
  /** The server's proof that it knows the password too (KMIP 2.1 Server Hashed Password). */
  readonly serverHashedPassword?: Uint8Array;
}

/** Microseconds that a client's clock may be ahead: with a later time, no later message could succeed. */
const maxAhead = 86_400_000_000n;

const invalid: LoginAttempt<never> = { refused: 'a credential is not valid' };
const valid = (verified: VerifiedCredential = {}): LoginAttempt<VerifiedCredential> => ({ verified });

function userOf({ users }: ClientCredentials, username: string): UserCredential | undefined {
  return users.find((user) => user.username === username);
}

/** Verifies the password of a username. Slow, and as slow for an unknown username. */
export async function verifyPassword(
  { Username: username, Password: password = '' }: ValueOf<'UsernameAndPassword'>,
  credentials: ClientCredentials,
): Promise<LoginAttempt<VerifiedCredential>> {
  return (await isPassword(password, userOf(credentials, username)?.password)) ? valid() : invalid;
}

/**
 * Verifies that some device of the client has the fields that are shown, and its password where it has one.
 */
export async function verifyDevice(
  shown: ValueOf<'Device'>,
  { devices }: ClientCredentials,
): Promise<LoginAttempt<VerifiedCredential>> {
  const device = devices.find((each) => isSameDevice(each, shown));
  if (device !== undefined && device.password === undefined) return valid();
  return (await isPassword(shown.Password ?? '', device?.password)) ? valid() : invalid;
}

function isSameDevice({ fields }: DeviceCredential, shown: ValueOf<'Device'>): boolean {
  return deviceFields.every((field) => fields[field] === undefined || fields[field] === shown[field]);
}

/**
 * Verifies a Hashed Password, whose time has to be later than all before (KMIP 2.1 §9.2). `now`: POSIX
 * seconds.
 */
export function verifyHashedPassword(
  { Username, TimeStamp, HashingAlgorithm = 'SHA_256', HashedPassword }: ValueOf<'HashedPassword'>,
  credentials: ClientCredentials,
  use: CredentialUse,
  now: number,
): LoginAttempt<VerifiedCredential> {
  const { hashed } = userOf(credentials, Username) ?? {};
  const serverHashedPassword = answerToHashedPassword(HashedPassword, TimeStamp, HashingAlgorithm, hashed);
  if (serverHashedPassword === undefined) return invalid;
  const last = Object.hasOwn(use.timeStamps, Username) ? use.timeStamps[Username] : undefined;
  // Messages of several connections overtake each other, which is no reason to throttle their client.
  if (last !== undefined && TimeStamp <= BigInt(last))
    return { refused: 'the time of a hashed password is not later than the last', known: true };
  if (TimeStamp > BigInt(now) * 1_000_000n + maxAhead)
    return { refused: 'the time of a hashed password is far ahead', known: true };
  return valid({ uses: { username: Username, timeStamp: TimeStamp }, serverHashedPassword });
}

/**
 * Verifies a one-time password: given out for the username and not used before, with the user's password
 * where one is shown.
 */
export async function verifyOneTimePassword(
  { Username, Password, OneTimePassword }: ValueOf<'OneTimePassword'>,
  credentials: ClientCredentials,
  use: CredentialUse,
): Promise<LoginAttempt<VerifiedCredential>> {
  const user = userOf(credentials, Username);
  const code = fingerprintOfCode(OneTimePassword);
  const issued = includesText(user?.oneTime ?? [], code);
  const known = Password === undefined || (await isPassword(Password, user?.password));
  if (!issued || !known) return invalid;
  if (use.spent.includes(code)) return { refused: 'a one-time password is shown again', known: true };
  return valid({ uses: { code } });
}

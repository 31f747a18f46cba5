import type { Credential } from '../../codec/structures/credentials.ts';
import type { ClientCredentials, CredentialUse, DeviceCredential, UserCredential } from './credentials.ts';
import { deviceFields } from './credentials.ts';
import { answerToHashedPassword, fingerprintOfCode, includesText, isPassword } from './passwords.ts';

type Of<Type extends string> = Extract<Credential, { CredentialType: Type }>['CredentialValue'];

/** What follows from a credential that holds. */
export interface Proof {
  /** Must be remembered, or the same would hold again: the time of a Hashed Password, a one-time password. */
  readonly uses?: { readonly username: string; readonly timeStamp: bigint } | { readonly code: string };
  readonly serverHashedPassword?: Uint8Array;
}

/** How far ahead of ours a client's clock may be, in microseconds: a later time would shut out all that follow. */
const aheadAtMost = 86_400_000_000n;

function userOf({ users }: ClientCredentials, username: string): UserCredential | undefined {
  return users.find((user) => user.username === username);
}

/** Whether the password is that of the username; slow, and as slow for a name that is not known. */
export function verifyPassword(
  { Username: username, Password: password = '' }: Of<'UsernameAndPassword'>,
  credentials: ClientCredentials,
): Promise<boolean> {
  return isPassword(password, userOf(credentials, username)?.password);
}

/** Whether some device of the client has the fields shown, and its password. */
export async function verifyDevice(shown: Of<'Device'>, { devices }: ClientCredentials): Promise<boolean> {
  const device = devices.find((each) => isShown(each, shown));
  if (device !== undefined && device.password === undefined) return true;
  return isPassword(shown.Password ?? '', device?.password);
}

function isShown({ fields }: DeviceCredential, shown: Of<'Device'>): boolean {
  return deviceFields.every((field) => fields[field] === undefined || fields[field] === shown[field]);
}

/** `now`: POSIX seconds. Each time must be later than all before. */
export function verifyHashedPassword(
  { Username, TimeStamp, HashingAlgorithm = 'SHA_256', HashedPassword }: Of<'HashedPassword'>,
  credentials: ClientCredentials,
  use: CredentialUse,
  now: number,
): Proof | undefined {
  const { hashed } = userOf(credentials, Username) ?? {};
  const answer = answerToHashedPassword(HashedPassword, TimeStamp, HashingAlgorithm, hashed);
  if (answer === undefined) return undefined;
  const last = Object.hasOwn(use.timeStamps, Username) ? use.timeStamps[Username] : undefined;
  if (last !== undefined && TimeStamp <= BigInt(last)) return undefined;
  if (TimeStamp > BigInt(now) * 1_000_000n + aheadAtMost) return undefined;
  return { uses: { username: Username, timeStamp: TimeStamp }, serverHashedPassword: answer };
}

/** One that the operator gave out for the username, and that has not been used; with the password, where one is shown. */
export async function verifyOneTimePassword(
  { Username, Password, OneTimePassword }: Of<'OneTimePassword'>,
  credentials: ClientCredentials,
  use: CredentialUse,
): Promise<Proof | undefined> {
  const user = userOf(credentials, Username);
  const code = fingerprintOfCode(OneTimePassword);
  const issued = includesText(user?.oneTime ?? [], code);
  const known = Password === undefined || (await isPassword(Password, user?.password));
  return issued && known && !use.spent.includes(code) ? { uses: { code } } : undefined;
}

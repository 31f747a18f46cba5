import type { Credential } from '../../codec/structures/credentials.ts';
import type { ClientCredentials, CredentialUse, DeviceCredential, UserCredential } from './credentials.ts';
import { deviceFields } from './credentials.ts';
import type { LoginAttempt } from './login-throttle.ts';
import { answerToHashedPassword, fingerprintOfCode, includesText, isPassword } from './passwords.ts';

type Of<Type extends string> = Extract<Credential, { CredentialType: Type }>['CredentialValue'];

/** What follows from a credential that holds. */
export interface VerifiedCredential {
  /** Must be remembered, or the same would hold again: the time of a Hashed Password, a one-time password. */
  readonly uses?: { readonly username: string; readonly timeStamp: bigint } | { readonly code: string };
  readonly serverHashedPassword?: Uint8Array;
}

/** How far ahead of ours a client's clock may be, in microseconds: a later time would shut out all that follow. */
const maxAhead = 86_400_000_000n;

const wrong: LoginAttempt<never> = { refused: 'a credential does not hold' };
const held = (proof: VerifiedCredential = {}): LoginAttempt<VerifiedCredential> => ({ verified: proof });

function userOf({ users }: ClientCredentials, username: string): UserCredential | undefined {
  return users.find((user) => user.username === username);
}

/** Whether the password is that of the username; slow, and as slow for a name that is not known. */
export async function verifyPassword(
  { Username: username, Password: password = '' }: Of<'UsernameAndPassword'>,
  credentials: ClientCredentials,
): Promise<LoginAttempt<VerifiedCredential>> {
  return (await isPassword(password, userOf(credentials, username)?.password)) ? held() : wrong;
}

/** Whether some device of the client has the fields shown, and its password. */
export async function verifyDevice(
  shown: Of<'Device'>,
  { devices }: ClientCredentials,
): Promise<LoginAttempt<VerifiedCredential>> {
  const device = devices.find((each) => isShown(each, shown));
  if (device !== undefined && device.password === undefined) return held();
  return (await isPassword(shown.Password ?? '', device?.password)) ? held() : wrong;
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
): LoginAttempt<VerifiedCredential> {
  const { hashed } = userOf(credentials, Username) ?? {};
  const serverHashedPassword = answerToHashedPassword(HashedPassword, TimeStamp, HashingAlgorithm, hashed);
  if (serverHashedPassword === undefined) return wrong;
  const last = Object.hasOwn(use.timeStamps, Username) ? use.timeStamps[Username] : undefined;
  // Messages of several connections overtake each other, which is no reason to shut their client out.
  if (last !== undefined && TimeStamp <= BigInt(last))
    return { refused: 'the time of a hashed password is not later than the last', known: true };
  if (TimeStamp > BigInt(now) * 1_000_000n + maxAhead)
    return { refused: 'the time of a hashed password is far ahead', known: true };
  return held({ uses: { username: Username, timeStamp: TimeStamp }, serverHashedPassword });
}

/** One that the operator gave out for the username, and that has not been used; with the password, where one is shown. */
export async function verifyOneTimePassword(
  { Username, Password, OneTimePassword }: Of<'OneTimePassword'>,
  credentials: ClientCredentials,
  use: CredentialUse,
): Promise<LoginAttempt<VerifiedCredential>> {
  const user = userOf(credentials, Username);
  const code = fingerprintOfCode(OneTimePassword);
  const issued = includesText(user?.oneTime ?? [], code);
  const known = Password === undefined || (await isPassword(Password, user?.password));
  if (!issued || !known) return wrong;
  if (use.spent.includes(code)) return { refused: 'a one-time password is shown again', known: true };
  return held({ uses: { code } });
}

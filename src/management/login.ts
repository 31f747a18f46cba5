import type { KeyObject } from 'node:crypto';
import { joinBytes } from '../common/bytes.ts';
import { Secret } from '../common/secret.ts';
import { encryptSecret } from '../common/secret-transfer.ts';
import { loginMethod } from './call-observer.ts';
import { ManagementError } from './errors.ts';
import { challengeMethod } from './params.ts';
import { isChallenge, isLogin } from './results.ts';
import { type SignedRequest, signCall } from './signed-request.ts';

/** What an administrator shows to log in: a password with a one-time password, or a private key. */
export type ShownCredential =
  | { readonly name: string; readonly password: Secret; readonly code: Secret }
  | { readonly name: string; readonly key: KeyObject };

/** Signs a request; the result is Base64. */
export type RequestSigner = (request: Omit<SignedRequest, 'store' | 'challenge'>) => string;

/** The requests of one session, on the side that sends them. */
export interface RequestSender {
  /** Signs every request, once it is set. */
  signer: RequestSigner | undefined;
  send(method: string, params: unknown): Promise<unknown>;
}

/**
 * Logs an administrator in, as the first of a session. Each later request is signed where a key was shown.
 * @param store identity of the database, see `ServiceDescription.store`
 * @throws {ManagementError} or {LoginRefusedError} when the administrator is not recognised
 */
export async function logInAdministrator(
  sender: RequestSender,
  store: string,
  shown: ShownCredential,
): Promise<void> {
  const given = await sender.send(challengeMethod, {});
  if (!isChallenge(given)) throw new TypeError('the challenge has another form');
  const { challenge, publicKey } = given;
  const { name } = shown;
  if ('key' in shown) sender.signer = (request) => signCall({ ...request, store, challenge }, shown.key);
  const input = 'key' in shown ? null : encryptLogin(shown.code, shown.password, publicKey);
  const result = await sender.send(loginMethod, { name, input });
  if (!isLogin(result)) throw new ManagementError('the login was not answered as expected');
}

function encryptLogin(code: Secret, password: Secret, publicKey: string): string {
  using joined = new Secret(joinBytes(code.bytes, password.bytes));
  return encryptSecret(joined, publicKey);
}

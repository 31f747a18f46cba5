import { generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import {
  type Administrator,
  type AdministratorRole,
  credentialIdOf,
  findCredentialProblem,
  wipeAdministrator,
} from '../identity/administrator.ts';
import { type LoginAttempt, LoginThrottle } from '../identity/login-throttle.ts';
import { isPassword } from '../identity/passwords.ts';
import { findTotpStep, type TotpGenerator, totpSecretBytes } from '../identity/totp.ts';
import { AdministratorDirectory } from '../protocol/authentication/administrator-directory.ts';
import { SealBrokenError } from '../vault/vault.ts';
import type { ManagementBackends } from './api.ts';
import { LoginRefusedError } from './errors.ts';
import { readLatestTime } from './latest-time.ts';

/** What proves who an administrator is. The caller overwrites password and code. */
export type LoginProof =
  | { readonly kind: 'password'; readonly password: Uint8Array; readonly code: Uint8Array }
  | { readonly kind: 'certificate'; readonly isSignedBy: (key: KeyObject) => boolean };

/** An administrator who was recognised. */
export interface AuthenticatedAdministrator {
  readonly name: string;
  readonly role: AdministratorRole;
  readonly credentialId: string;
  /** Of the certificate; undefined for a password. */
  readonly publicKey: KeyObject | undefined;
}

/** Stand in for the key and the secret of an unknown name, so that the answer takes as long. */
const dummyKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
const dummyGenerator: TotpGenerator = {
  ...{ hash: 'SHA1', secret: randomBytes(totpSecretBytes.SHA1), lastStep: -1 },
};

/**
 * Recognises administrators. Attempts with one name, and from one origin, are throttled as `LoginThrottle`
 * does; every failure is the same error after the same work.
 */
export class AdministratorAuthenticator {
  readonly #backends: Pick<ManagementBackends, 'store' | 'vault' | 'nodes'>;
  readonly #directory: AdministratorDirectory;
  readonly #clock: () => number;
  readonly #throttle: LoginThrottle;
  /** The latest time that was seen: POSIX seconds. */
  #latest = 0;

  /** @param clock milliseconds since 1970 */
  constructor(backends: Pick<ManagementBackends, 'store' | 'vault' | 'nodes'>, clock = Date.now) {
    this.#backends = backends;
    this.#directory = new AdministratorDirectory(backends.store, backends.vault);
    this.#clock = clock;
    this.#throttle = new LoginThrottle(clock);
  }

  /**
   * Recognises an administrator; the step of a one-time password is stored as used before this resolves.
   * @param origin whose failures count together
   * @throws {LoginRefusedError} for every reason; errors of the store and the vault.
   */
  async authenticate(origin: string, name: string, proof: LoginProof): Promise<AuthenticatedAdministrator> {
    const attempt = await this.#throttle.attempt(origin, name, () => this.#verify(name, proof));
    if ('refused' in attempt) throw new LoginRefusedError(attempt.refused);
    return attempt.verified;
  }

  /**
   * Returns an administrator as the store has it now.
   * @throws {LoginRefusedError} when it was disabled or removed, or has another credential
   */
  async renew({ name, credentialId }: AuthenticatedAdministrator): Promise<AuthenticatedAdministrator> {
    const found = await this.#directory.find(name);
    if (found === undefined) throw new LoginRefusedError('the administrator was removed');
    try {
      const problem = this.#findProblem(found);
      if (problem !== undefined) throw new LoginRefusedError(problem);
      const present = toAuthenticated(found);
      if (present.credentialId !== credentialId)
        throw new LoginRefusedError('the administrator has another credential');
      return present;
    } finally {
      wipeAdministrator(found);
    }
  }

  async #verify(name: string, proof: LoginProof): Promise<LoginAttempt<AuthenticatedAdministrator>> {
    let found: Administrator | undefined;
    try {
      found = await this.#directory.find(name);
      return proof.kind === 'password'
        ? await this.#verifyPassword(name, found, proof)
        : this.#verifyKey(found, proof);
    } catch (error) {
      if (error instanceof SealBrokenError)
        return { refused: 'the record of the administrator was altered outside kmipd', known: true };
      if (error instanceof LoginRefusedError) return { refused: error.reason };
      throw error;
    } finally {
      if (found !== undefined) wipeAdministrator(found);
    }
  }

  async #verifyPassword(
    name: string,
    found: Administrator | undefined,
    { password, code }: Extract<LoginProof, { kind: 'password' }>,
  ): Promise<LoginAttempt<AuthenticatedAdministrator>> {
    const own = found !== undefined && 'totp' in found.credential ? found.credential : undefined;
    const isKnown = await isPassword(password, own?.password);
    const now = await this.#now();
    const step = findTotpStep(code, own?.totp ?? dummyGenerator, now);
    if (found === undefined || own === undefined)
      return { refused: found === undefined ? 'unknown name' : 'the credential is a certificate' };
    if (!isKnown || step === undefined) return { refused: 'wrong password or one-time password' };
    const problem = this.#findProblem(found);
    if (problem !== undefined) return { refused: problem, known: true };
    await this.#useStep(name, credentialIdOf(own), step, now);
    return { verified: toAuthenticated(found) };
  }

  #verifyKey(
    found: Administrator | undefined,
    { isSignedBy }: Extract<LoginProof, { kind: 'certificate' }>,
  ): LoginAttempt<AuthenticatedAdministrator> {
    const authenticated = found && toAuthenticated(found);
    const isSigned = isSignedBy(authenticated?.publicKey ?? dummyKey);
    if (found === undefined || authenticated === undefined) return { refused: 'unknown name' };
    if (authenticated.publicKey === undefined) return { refused: 'the credential is a password' };
    if (!isSigned) return { refused: 'wrong signature' };
    const problem = this.#findProblem(found);
    return problem === undefined ? { verified: authenticated } : { refused: problem, known: true };
  }

  #findProblem({ isDisabled, credential }: Administrator): string | undefined {
    return isDisabled ? 'disabled' : findCredentialProblem(credential, new Date(this.#clock()));
  }

  /** @throws {LoginRefusedError} when it was used meanwhile, or the administrator was changed */
  async #useStep(name: string, credentialId: string, step: number, now: number): Promise<void> {
    await this.#directory.change(
      name,
      (found) => {
        const { credential, isDisabled = true } = found ?? {};
        if (found === undefined || credential === undefined || !('totp' in credential) || isDisabled)
          throw new LoginRefusedError('the administrator was changed meanwhile');
        if (credentialIdOf(credential) !== credentialId || credential.totp.lastStep >= step)
          throw new LoginRefusedError('the one-time password was used meanwhile');
        return { ...found, credential: { ...credential, totp: { ...credential.totp, lastStep: step } } };
      },
      now,
    );
  }

  /**
   * Returns the time by which one-time passwords are judged, in POSIX seconds: the latest of the clock, what
   * lanes of the database state, and all logins. So a clock that was set back makes no password valid again;
   * until it has caught up, those of the true time may be refused.
   */
  async #now(): Promise<number> {
    const present = await readLatestTime(this.#backends.nodes, this.#clock);
    this.#latest = Math.max(this.#latest, present, await this.#directory.latestLogin());
    return this.#latest;
  }
}

function toAuthenticated({ name, role, credential }: Administrator): AuthenticatedAdministrator {
  const publicKey =
    'certificate' in credential ? new X509Certificate(credential.certificate).publicKey : undefined;
  return { name, role, credentialId: credentialIdOf(credential), publicKey };
}

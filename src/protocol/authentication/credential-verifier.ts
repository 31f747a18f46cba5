import { createHmac, hash, randomBytes } from 'node:crypto';
import type { Credential } from '../../../codec/structures/credentials.ts';
import { KmipError } from '../../common/errors.ts';
import type { ClientEntry } from '../../identity/client-entry.ts';
import {
  boundedUse,
  type ClientCredentials,
  type CredentialUse,
  deviceFields,
  noCredentials,
  unused,
} from '../../identity/credentials.ts';
import { type LoginAttempt, LoginThrottle } from '../../identity/login-throttle.ts';
import { accountOf } from '../../identity/principal.ts';
import {
  type VerifiedCredential,
  verifyDevice,
  verifyHashedPassword,
  verifyOneTimePassword,
  verifyPassword,
} from '../../identity/verification.ts';
import type { Conversation } from '../service.ts';
import { putClientEntry } from '../unit-of-work/client-entries.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import { AuthenticationError, invalidCredentials } from './authentication-error.ts';

/** Verified credentials that one connection remembers. */
const maxRemembered = 16;

export interface CredentialVerifierOptions {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Whether the fixed credential of conformance tests is valid for every client. */
  readonly interop: boolean;
}

/** The circumstances of one message in which credentials are verified. */
export interface VerificationInput {
  readonly conversation: Conversation;
  /** The client's entry, which the unit has loaded; undefined when the operator gave it no credentials. */
  readonly entry: ClientEntry | undefined;
  readonly unit: UnitOfWork;
  /** POSIX seconds. */
  readonly now: number;
}

/** The result for credentials that are all valid. */
export interface VerifiedCredentials {
  /** Puts time stamps and one-time passwords that were used up into the unit of work. */
  recordUse(): void;
  /** The server's proof that it knows the password too, where one was asked for. */
  readonly serverHashedPassword?: Uint8Array;
}

/** The values that the verification of one credential depends on. */
interface Verification {
  /** Account of the client: `accountOf`. */
  readonly account: string;
  readonly own: ClientCredentials;
  readonly use: CredentialUse;
  /** Identifies the client and the state of its credentials, so that nothing remembered outlives a change. */
  readonly state: string;
  readonly memory: Set<string> | undefined;
  readonly now: number;
}

/**
 * Verifies the credentials of request headers, except tickets, against those that the operator gave to the
 * client.
 */
export class CredentialVerifier {
  readonly #interop: boolean;
  readonly #loginThrottle: LoginThrottle;
  readonly #key = randomBytes(32);

  constructor({ clock, interop }: CredentialVerifierOptions) {
    this.#interop = interop;
    this.#loginThrottle = new LoginThrottle(clock);
  }

  /**
   * Verifies each of the credentials.
   * @throws {AuthenticationError} when one of them is not valid.
   */
  async verifyAll(
    credentials: readonly Credential[],
    { conversation, entry, unit, now }: VerificationInput,
  ): Promise<VerifiedCredentials> {
    if (credentials.length === 0) return { recordUse() {} };
    const { principal, memory } = conversation;
    const { credentials: own, use: before } = entry ?? { credentials: noCredentials, use: unused };
    const account = accountOf(principal);
    const state = `${account} ${hash('sha256', JSON.stringify(own))}`;
    let use = before;
    let serverHashedPassword: Uint8Array | undefined;
    for (const credential of credentials) {
      const attempt = await this.#verify(credential, { account, own, use, state, memory, now });
      if ('refused' in attempt) throw invalidCredentials(attempt.refused);
      use = afterVerification(use, attempt.verified);
      serverHashedPassword ??= attempt.verified.serverHashedPassword;
    }
    return {
      recordUse() {
        if (entry !== undefined && use !== before)
          putClientEntry(unit, { ...entry, use: boundedUse(use, own) });
      },
      ...(serverHashedPassword && { serverHashedPassword }),
    };
  }

  #verify(credential: Credential, verification: Verification): Promise<LoginAttempt<VerifiedCredential>> {
    const { account, own, use, now } = verification;
    switch (credential.CredentialType) {
      case 'UsernameAndPassword': {
        const value = credential.CredentialValue;
        if (this.#interop && isFixed(value)) return Promise.resolve({ verified: {} });
        const name = throttleName(value.Username);
        return this.#oncePerConnection(value, name, verification, () => verifyPassword(value, own));
      }
      case 'Device': {
        const value = credential.CredentialValue;
        const name = throttleName(...deviceFields.map((field) => value[field] ?? ''));
        return this.#oncePerConnection(value, name, verification, () => verifyDevice(value, own));
      }
      case 'HashedPassword': {
        const value = credential.CredentialValue;
        return this.#loginThrottle.attempt(account, throttleName(value.Username), async () =>
          verifyHashedPassword(value, own, use, now),
        );
      }
      case 'OneTimePassword': {
        const value = credential.CredentialValue;
        return this.#loginThrottle.attempt(account, throttleName(value.Username), () =>
          verifyOneTimePassword(value, own, use),
        );
      }
      default:
        throw unsupportedCredential();
    }
  }

  /**
   * Verifies a password at most once for a connection, because the hash is slow and many clients show the
   * same password with every message. A change of the client's credentials ends that.
   */
  async #oncePerConnection(
    value: object,
    name: string,
    { account, state, memory }: Verification,
    verify: () => Promise<LoginAttempt<VerifiedCredential>>,
  ): Promise<LoginAttempt<VerifiedCredential>> {
    const digest = createHmac('sha256', this.#key)
      .update(JSON.stringify([state, value]))
      .digest('base64');
    if (memory?.has(digest)) return { verified: {} };
    const attempt = await this.#loginThrottle.attemptOnce(account, name, digest, verify);
    if ('verified' in attempt && memory !== undefined && memory.size < maxRemembered) memory.add(digest);
    return attempt;
  }
}

/**
 * Whether credentials of that kind are ignored where the operator gave the client none: several products send
 * them, sometimes empty, whether or not they are configured.
 */
export function isIgnorable({ CredentialType: type }: Credential): boolean {
  return type === 'UsernameAndPassword' || type === 'Device';
}

function unsupportedCredential(): AuthenticationError {
  return new AuthenticationError(
    'a credential of a kind that is not supported',
    new KmipError('FeatureNotSupported', 'credentials of this kind are not supported'),
  );
}

function isFixed({ Username, Password }: { Username: string; Password?: string | undefined }): boolean {
  return Username === 'administrator' && Password === 'password';
}

/** A key of fixed length for the throttle, whatever length the client's text has. */
function throttleName(...parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64');
}

function afterVerification(use: CredentialUse, { uses }: VerifiedCredential): CredentialUse {
  if (uses === undefined) return use;
  if ('code' in uses) return { ...use, spent: [...use.spent, uses.code] };
  return { ...use, timeStamps: { ...use.timeStamps, [uses.username]: String(uses.timeStamp) } };
}

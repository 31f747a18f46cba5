import { createHmac, hash, randomBytes } from 'node:crypto';
import type { RequestHeader } from '../../../codec/envelope.ts';
import type { Credential, Ticket } from '../../../codec/structures/credentials.ts';
import { KmipError } from '../../common/errors.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import {
  type ClientCredentials,
  type CredentialUse,
  credentialKind,
  credentialUseKind,
  deviceFields,
  noCredentials,
  readCredentials,
  readUse,
  writeUse,
} from '../../identity/credentials.ts';
import { type LoginAttempt, LoginThrottle } from '../../identity/login-throttle.ts';
import type { Principal } from '../../identity/principal.ts';
import {
  type VerifiedCredential,
  verifyDevice,
  verifyHashedPassword,
  verifyOneTimePassword,
  verifyPassword,
} from '../../identity/verification.ts';
import { isReplacedBy } from '../../operations/certificates/certificate-history.ts';
import {
  readTicket,
  type TicketRecord,
  ticketId,
  ticketKind,
  writeTicket,
} from '../../operations/sessions/tickets.ts';
import type { Vault } from '../../vault/vault.ts';
import type { RequestObserver } from '../../watch/observer.ts';
import type { Conversation } from '../service.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';

/** Whom a message comes from, as its header says beside the certificate (KMIP 2.1 §8.1.2 and §9.2, 1.4 §6.6). */
export interface AuthenticatedRequest {
  readonly principal: Principal;
  /** Why its items are refused; `open`: nothing wrong was shown, so what anybody may ask is answered. */
  readonly refusal?: { readonly error: KmipError; readonly open: boolean };
  /** For the header of the answer. */
  readonly serverHashedPassword?: Uint8Array;
}

export interface AuthenticatorOptions {
  readonly vault: Vault;
  readonly crypto: CryptoProvider;
  readonly observer: RequestObserver;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** The fixed credential of conformance tests holds for every client. */
  readonly interop: boolean;
  /** The enrolled client of that name, as a speaker; undefined when it may not speak. For tickets shown by others. */
  principal(client: string): Promise<Principal | undefined>;
}

/** Operations that need no authentication (KMIP 2.1 §6.1.14 and §6.1.41). */
const openOperations: ReadonlySet<unknown> = new Set(['DiscoverVersions', 'Query']);

/** Refuses an item of a speaker that has not proven who it is. */
export function requireAuthenticated(
  refusal: AuthenticatedRequest['refusal'] | undefined,
  operation: unknown,
): void {
  if (refusal !== undefined && !(refusal.open && openOperations.has(operation))) throw refusal.error;
}

/** Each may cost a slow hash. */
const maxCredentials = 8;
/** Proofs remembered for one connection. */
const maxRemembered = 16;

/** Refused; the reason is for the log, the client learns no more than `error` says. */
class AuthenticationError extends Error {
  readonly code = 'AUTHENTICATION';
  readonly error: KmipError;
  readonly open: boolean;

  constructor(reason: string, error: KmipError, open = false) {
    super(reason);
    this.error = error;
    this.open = open;
  }
}

const unsuccessful = (reason: string): AuthenticationError =>
  new AuthenticationError(
    reason,
    new KmipError('AuthenticationNotSuccessful', 'the credentials do not hold'),
  );
const invalidTicket = (reason: string): AuthenticationError =>
  new AuthenticationError(
    reason,
    new KmipError('InvalidTicket', 'the ticket is not valid', 'AuthenticationNotSuccessful'),
  );

const unsupported = (): AuthenticationError =>
  new AuthenticationError(
    'a credential of a kind that is not supported',
    new KmipError('FeatureNotSupported', 'credentials of this kind are not supported'),
  );

/** What verifying one credential rests on. */
interface Case {
  readonly client: string;
  readonly own: ClientCredentials;
  readonly use: CredentialUse;
  /** Names the client and the state of its credentials, so that nothing remembered outlives a change. */
  readonly state: string;
  readonly memory: Set<string> | undefined;
  readonly now: number;
}

/** Checks the Authentication of request headers; the TLS certificate has been checked before. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #loginThrottle: LoginThrottle;
  readonly #key = randomBytes(32);

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#loginThrottle = new LoginThrottle(options.clock);
  }

  /** What is used up (requests of a ticket, times, one-time passwords) goes into the unit; nothing when it is refused. */
  async authenticate(
    { Authentication }: RequestHeader,
    conversation: Conversation,
    unit: UnitOfWork,
    now: number,
  ): Promise<AuthenticatedRequest> {
    const { principal, connection } = conversation;
    const shown = Authentication?.Credential ?? [];
    const nothingAsked = !principal.secondFactor && shown.every(isPlain);
    if (nothingAsked) return { principal };
    try {
      if (!this.#options.vault.unsealed) {
        const message = 'the vault is sealed: an operator has to make the root key available';
        throw new AuthenticationError('the vault is sealed', new KmipError('GeneralFailure', message), true);
      }
      return await this.#verifyCredentials(shown, conversation, unit, now);
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      this.#options.observer.authenticationFailed({
        reason: error.message,
        client: principal.client,
        connection,
      });
      return { principal, refusal: { error: error.error, open: error.open } };
    }
  }

  async #verifyCredentials(
    all: readonly Credential[],
    conversation: Conversation,
    unit: UnitOfWork,
    now: number,
  ): Promise<AuthenticatedRequest> {
    const { principal } = conversation;
    const { client } = principal;
    const stored = principal.secondFactor ? await unit.record(credentialKind, client) : undefined;
    const shown = stored === undefined ? all.filter((each) => !isPlain(each)) : all;
    if (shown.length > maxCredentials) throw unsuccessful('too many credentials');
    if (stored !== undefined && shown.length === 0) {
      const message = 'this client has to show credentials besides its certificate';
      throw new AuthenticationError(
        'no credentials',
        new KmipError('AuthenticationNotSuccessful', message),
        true,
      );
    }
    const others = shown.filter(({ CredentialType: type }) => type !== 'Ticket');
    const proofs = await this.#verifyAll(others, stored?.content, conversation, unit, now);
    const tickets = shown.filter((each) => each.CredentialType === 'Ticket');
    if (tickets.length > 1) throw invalidTicket('more than one ticket');
    const [ticket] = tickets;
    const acting = ticket && (await this.#byTicket(ticket.CredentialValue.Ticket, principal, unit));
    proofs.keep();
    const { serverHashedPassword } = proofs;
    return {
      principal: acting ?? principal,
      ...(serverHashedPassword === undefined ? {} : { serverHashedPassword }),
    };
  }

  /** All of them must hold. `keep` notes what they use up, once everything else holds too. */
  async #verifyAll(
    credentials: readonly Credential[],
    content: Uint8Array | undefined,
    { principal, memory }: Conversation,
    unit: UnitOfWork,
    now: number,
  ): Promise<{ keep(): void; serverHashedPassword?: Uint8Array }> {
    if (credentials.length === 0) return { keep() {} };
    const { client, group } = principal;
    const own = content === undefined ? noCredentials : readCredentials(content);
    const usesUp = credentials.some((each) => !isPlain(each));
    const before = readUse(usesUp ? (await unit.record(credentialUseKind, client))?.content : undefined);
    const state = `${client} ${hash('sha256', content ?? '')}`;
    let use = before;
    let answer: Uint8Array | undefined;
    for (const credential of credentials) {
      const attempt = await this.#verify(credential, { client, own, use, state, memory, now });
      if ('refused' in attempt) throw unsuccessful(attempt.refused);
      use = afterVerification(use, attempt.verified);
      answer ??= attempt.verified.serverHashedPassword;
    }
    return {
      keep() {
        if (use !== before) unit.putRecord(credentialUseKind, client, group, writeUse(use, own));
      },
      ...(answer === undefined ? {} : { serverHashedPassword: answer }),
    };
  }

  #verify(credential: Credential, on: Case): Promise<LoginAttempt<VerifiedCredential>> {
    const { client, own, use, now } = on;
    switch (credential.CredentialType) {
      case 'UsernameAndPassword': {
        const value = credential.CredentialValue;
        if (this.#options.interop && isFixed(value)) return Promise.resolve({ verified: {} });
        return this.#oncePerConnection(value, nameOf(value.Username), on, () => verifyPassword(value, own));
      }
      case 'Device': {
        const value = credential.CredentialValue;
        const name = nameOf(...deviceFields.map((field) => value[field] ?? ''));
        return this.#oncePerConnection(value, name, on, () => verifyDevice(value, own));
      }
      case 'HashedPassword': {
        const value = credential.CredentialValue;
        return this.#loginThrottle.attempt(client, nameOf(value.Username), async () =>
          verifyHashedPassword(value, own, use, now),
        );
      }
      case 'OneTimePassword': {
        const value = credential.CredentialValue;
        return this.#loginThrottle.attempt(client, nameOf(value.Username), () =>
          verifyOneTimePassword(value, own, use),
        );
      }
      default:
        throw unsupported();
    }
  }

  /** A client that shows the same password with every message pays for the slow hash once: until it leaves, or they change. */
  async #oncePerConnection(
    value: object,
    name: string,
    { client, state, memory }: Case,
    verify: () => Promise<LoginAttempt<VerifiedCredential>>,
  ): Promise<LoginAttempt<VerifiedCredential>> {
    const shown = createHmac('sha256', this.#key)
      .update(JSON.stringify([state, value]))
      .digest('base64');
    if (memory?.has(shown)) return { verified: {} };
    const attempt = await this.#loginThrottle.attemptOnce(client, name, shown, verify);
    if ('verified' in attempt && memory !== undefined && memory.size < maxRemembered) memory.add(shown);
    return attempt;
  }

  async #byTicket(
    { TicketType: type, TicketValue: value }: Ticket,
    principal: Principal,
    unit: UnitOfWork,
  ): Promise<Principal> {
    const id = ticketId(value, this.#options.crypto);
    const record = type === 'Login' ? await unit.record(ticketKind, id) : undefined;
    if (record === undefined) throw invalidTicket('the ticket is unknown or has ended');
    const ticket = readTicket(record.content);
    const owner = await this.#ownerOf(ticket, principal);
    if (owner === undefined || owner.group !== record.group || !(await isStillOf(ticket, owner, unit)))
      throw invalidTicket('the client of the ticket may not speak, or not here');
    const { requests, expires, rights } = ticket;
    if (requests === 0) {
      const message = 'the requests of the ticket are used up';
      throw new AuthenticationError(message, new KmipError('UsageLimitExceeded', message));
    }
    if (requests !== undefined) {
      const left = writeTicket({ ...ticket, requests: requests - 1 });
      unit.putRecord(ticketKind, id, record.group, left, expires);
    }
    return { ...owner, ticket: id, ...(rights === undefined ? {} : { rights }) };
  }

  /** A ticket of Login belongs to its client alone; one of Delegated Login to whom the client gives it. */
  #ownerOf({ client, rights }: TicketRecord, principal: Principal): Promise<Principal | undefined> {
    if (client === principal.client) return Promise.resolve(principal);
    return rights === undefined ? Promise.resolve(undefined) : this.#options.principal(client);
  }
}

/** A ticket lasts as long as the enrolment, whose certificate the client itself may have replaced since. */
async function isStillOf(
  { client, fingerprint: then }: TicketRecord,
  { fingerprint: now }: Principal,
  unit: UnitOfWork,
): Promise<boolean> {
  if (then === now) return true;
  if (then === undefined || now === undefined) return false;
  const load = async (kind: string, id: string) => (await unit.record(kind, id))?.content;
  return isReplacedBy(then, { client, replacement: now }, load);
}

/** Ignored where the operator gave the client no credentials: several products send them, even empty ones, all the same. */
function isPlain({ CredentialType: type }: Credential): boolean {
  return type === 'UsernameAndPassword' || type === 'Device';
}

function isFixed({ Username, Password }: { Username: string; Password?: string | undefined }): boolean {
  return Username === 'administrator' && Password === 'password';
}

/** A name of fixed length: what a client sends may be long. */
function nameOf(...parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64');
}

function afterVerification(use: CredentialUse, { uses }: VerifiedCredential): CredentialUse {
  if (uses === undefined) return use;
  if ('code' in uses) return { ...use, spent: [...use.spent, uses.code] };
  return { ...use, timeStamps: { ...use.timeStamps, [uses.username]: String(uses.timeStamp) } };
}

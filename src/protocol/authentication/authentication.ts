import type { RequestHeader } from '../../../codec/envelope.ts';
import type { Credential } from '../../../codec/structures/credentials.ts';
import { KmipError } from '../../common/errors.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import { type ClientEntry, hasAny } from '../../identity/client-entry.ts';
import { alwaysGranted } from '../../identity/policy.ts';
import type { Principal } from '../../identity/principal.ts';
import type { Vault } from '../../vault/vault.ts';
import type { RequestObserver } from '../../watch/observer.ts';
import { sealedVaultRefusal } from '../sealed-vault.ts';
import type { Conversation } from '../service.ts';
import { loadClientEntry } from '../unit-of-work/client-entries.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import { AuthenticationError, invalidCredentials, invalidTicket } from './authentication-error.ts';
import { CredentialVerifier, isIgnorable } from './credential-verifier.ts';
import { TicketLogin } from './ticket-login.ts';

/**
 * The sender of a message, by its TLS certificate and the Authentication of the header (KMIP 2.1 §8.1.2, 1.4
 * §6.6).
 */
export interface AuthenticatedRequest {
  readonly principal: Principal;
  /** Why the items are refused; absent when they are not. `open`: operations that are answered though. */
  readonly refusal?: { readonly error: KmipError; readonly open: ReadonlySet<unknown> };
  /** Server Hashed Password for the header of the response. */
  readonly serverHashedPassword?: Uint8Array;
}

export interface AuthenticatorOptions {
  readonly vault: Vault;
  readonly crypto: CryptoProvider;
  readonly observer: RequestObserver;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Whether the fixed credential of conformance tests is valid for every client. */
  readonly interop: boolean;
  /**
   * Finds the enrolled client of a name, for tickets that others show; undefined when it is not authorised
   * now.
   */
  principal(client: string): Promise<Principal | undefined>;
}

/** Operations that need no authentication (KMIP 2.1 §6.1.14 and §6.1.41). */
const openOperations: ReadonlySet<unknown> = new Set(['DiscoverVersions', 'Query']);
/** The operations that are answered when none is. */
export const noOperations: ReadonlySet<unknown> = new Set();

/**
 * Checks that an item may run under the result of the authentication.
 * @throws {KmipError} the refusal, unless it leaves the operation open.
 */
export function requireAuthenticated(
  refusal: AuthenticatedRequest['refusal'] | undefined,
  operation: unknown,
): void {
  if (refusal !== undefined && !refusal.open.has(operation)) throw refusal.error;
}

/** Verifying one credential may cost a slow hash. */
const maxCredentials = 8;

/** Checks the Authentication of request headers; the TLS certificate has been checked before. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #verifier: CredentialVerifier;
  readonly #tickets: TicketLogin;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#verifier = new CredentialVerifier(options);
    this.#tickets = new TicketLogin(options);
  }

  /**
   * Returns the sender of a message, with a refusal when its credentials are not valid. Requests of a ticket,
   * time stamps and one-time passwords that are used up go into the unit; nothing does when the message is
   * refused. `now`: POSIX seconds.
   */
  async authenticate(
    { Authentication }: RequestHeader,
    conversation: Conversation,
    unit: UnitOfWork,
    now: number,
  ): Promise<AuthenticatedRequest> {
    const { principal, connection, peer } = conversation;
    const credentials = Authentication?.Credential ?? [];
    if (principal.isProvisional)
      return { principal, refusal: { error: sealedVaultRefusal(), open: alwaysGranted } };
    if (!principal.secondFactor && credentials.every(isIgnorable)) return { principal };
    try {
      if (!this.#options.vault.unsealed)
        throw new AuthenticationError('the vault is sealed', sealedVaultRefusal(), true);
      return await this.#verifyCredentials(credentials, conversation, unit, now);
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      const { message: reason, refusal, isOpen } = error;
      this.#options.observer.authenticationFailed({ reason, client: principal.client, connection, peer });
      return { principal, refusal: { error: refusal, open: isOpen ? openOperations : noOperations } };
    }
  }

  async #verifyCredentials(
    all: readonly Credential[],
    conversation: Conversation,
    unit: UnitOfWork,
    now: number,
  ): Promise<AuthenticatedRequest> {
    const { principal } = conversation;
    const entry = principal.secondFactor ? await requireEntry(principal, unit) : undefined;
    const isSecondFactor = entry !== undefined && hasAny(entry.credentials);
    const shown = isSecondFactor ? all : all.filter((each) => !isIgnorable(each));
    if (shown.length > maxCredentials) throw invalidCredentials('too many credentials');
    if (isSecondFactor && shown.length === 0) throw missingCredentials();
    const tickets = shown.filter((each) => each.CredentialType === 'Ticket');
    const others = shown.filter((each) => each.CredentialType !== 'Ticket');
    const verified = await this.#verifier.verifyAll(others, {
      conversation,
      entry,
      unit,
      now,
    });
    if (tickets.length > 1) throw invalidTicket('more than one ticket');
    const [ticket] = tickets;
    const owner = ticket && (await this.#tickets.principalOf(ticket.CredentialValue.Ticket, principal, unit));
    verified.recordUse();
    const { serverHashedPassword } = verified;
    return { principal: owner ?? principal, ...(serverHashedPassword && { serverHashedPassword }) };
  }
}

/**
 * Loads the entry of a client that has to show credentials. That there is none allows nothing: the client was
 * removed meanwhile, or somebody has deleted the row.
 */
async function requireEntry(
  { client, group, enrolledAt }: Principal,
  unit: UnitOfWork,
): Promise<ClientEntry> {
  const entry = await loadClientEntry(unit, client);
  if (entry?.group === group && entry.enrolledAt === enrolledAt && !entry.disabled) return entry;
  throw invalidCredentials('the client is not enrolled any more');
}

function missingCredentials(): AuthenticationError {
  return new AuthenticationError(
    'no credentials',
    new KmipError(
      'AuthenticationNotSuccessful',
      'this client has to show credentials besides its certificate',
    ),
    true,
  );
}

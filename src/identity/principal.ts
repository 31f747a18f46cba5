import type { ApprovableOperation } from '../common/client-approvals.ts';
import type { RoleRestrictions } from '../common/role-restrictions.ts';
import { SealBrokenError } from '../vault/vault.ts';

/** An enrolled client. A certificate of a trusted authority is not enough: it has to be the enrolled one. */
export interface Client {
  readonly name: string;
  /** The group that owns the client's objects; a client belongs to exactly one. */
  readonly group: string;
  /** Name of a role in the role policy. */
  readonly role: string;
  /** SHA-256 of the certificate's DER, lower-case hex, no colons. */
  readonly fingerprint: string;
  readonly disabled: boolean;
  /** POSIX seconds. */
  readonly enrolledAt: number;
  /** PEM of the enrolled certificate, with its issuers' when no authority of this server issued it. */
  readonly certificate: string;
  /** Whether the operator gave the client credentials, so that its certificate alone is not enough. */
  readonly hasCredentials: boolean;
}

/** What the operator states of a client to enrol it. */
export type NewClient = Omit<Client, 'hasCredentials'>;

/**
 * Port: the directory of enrolled clients, which is in the same database as the objects. Every method rejects
 * with VaultUnavailableError while the vault is sealed, with StoreUnavailableError when the database does not
 * answer, and with SealBrokenError when a row that it needs was altered, put back or deleted: what is not
 * known must not count as absent, because the absence of a client may allow something.
 */
export interface ClientDirectory {
  /** Undefined when no client has that certificate. */
  byFingerprint(fingerprint: string): Promise<Client | undefined>;
  /** Undefined when no client has that name. */
  byName(name: string): Promise<Client | undefined>;
  /**
   * Sorted by name. `altered`: whether rows that do not open are left out, as when the argument is left out,
   * or refused.
   */
  list(altered?: 'omit' | 'refuse'): Promise<readonly Client[]>;
  /** Enrols a client; false when the name or the fingerprint is already enrolled. */
  add(client: NewClient): Promise<boolean>;
  /**
   * Disables or enables a client; false when there is none. Changes nothing else, because the client may be
   * replacing its certificate meanwhile.
   */
  setDisabled(name: string, disabled: boolean): Promise<boolean>;
  /** Removes a client; false when there was none. Its objects stay with the group. */
  remove(name: string): Promise<boolean>;
}

/**
 * Resolves as `lookup`, with undefined when it rejects with SealBrokenError. For callers that refuse whoever
 * is not found, and for those that must go on with other clients; the operator is alarmed at the read.
 */
export async function omitForged<T>(lookup: Promise<T>): Promise<T | undefined> {
  try {
    return await lookup;
  } catch (error) {
    if (error instanceof SealBrokenError) return undefined;
    throw error;
  }
}

/** A Right of a ticket of Delegated Login (KMIP 2.1 §9.19). A field that is absent does not limit it. */
export interface DelegatedRight {
  /** Operations, by their KMIP names. */
  readonly operations?: readonly string[];
  /**
   * Unique Identifiers. An object has to be listed here or to be in one of `groups`, where either is given.
   */
  readonly objects?: readonly string[];
  /** Object Groups. */
  readonly groups?: readonly string[];
}

/**
 * One enrolment of a client. Its name alone does not identify it, because the operator may remove a client
 * and give its name to another one.
 */
export interface Enrolment {
  readonly client: string;
  /** Fingerprint of the client's certificate; the client may replace it by another one. */
  readonly fingerprint?: string;
  /** POSIX seconds; stays the same when the client replaces its certificate. */
  readonly enrolledAt?: number;
}

/** What authorised something that lasts longer than its message. */
export interface Authorisation extends Enrolment {
  /** Id of the record of the ticket that authenticated the message. */
  readonly ticket?: string;
}

/** The client that sends a message, where it shows the ticket of another client. */
export interface Bearer {
  /** Its name. */
  readonly bearer?: string;
  /** When it was enrolled, in POSIX seconds. */
  readonly bearerEnrolledAt?: number;
}

/** The authenticated client of one message. Plain data but for its functions. */
export interface Principal extends Authorisation, Bearer {
  readonly group: string;
  /** Name of its role, for logs; absent where no client is enrolled. */
  readonly role?: string;
  /** Whether the operator gave the client credentials, so that its certificate alone is not enough. */
  readonly secondFactor?: boolean;
  /**
   * The vault was sealed when the certificate was shown, so that nobody knows whose it is; the client has to
   * be authenticated again before anything is done for it.
   */
  readonly isProvisional?: boolean;
  /** An operation has to be allowed by one of these too, besides the role. */
  readonly rights?: readonly DelegatedRight[];
  /**
   * Whether the role grants an operation, by its KMIP name, or one of `extraPermissions` of policy.ts; asked
   * once per batch item and use.
   */
  may(operation: string): boolean;
  /** The line of policy that decides about an operation, for the audit log; absent where no role does. */
  ruleFor?(operation: string): string | undefined;
  /**
   * Returns what the role restricts beside the operations, as it is in force; undefined when nothing. Every
   * principal of an enrolled client has it; absent where there is no role to ask.
   */
  readonly restrictions?: () => RoleRestrictions | undefined;
  /**
   * Whether the operator has put that under the two-person rule for the client's role. Every principal of an
   * enrolled client has it.
   */
  readonly needsApproval?: (operation: ApprovableOperation) => boolean;
}

/**
 * Returns the name of the client for which failures, streams, jobs and the like are counted: that of the
 * certificate, whichever client's ticket it shows. So nobody exhausts what another client may use.
 */
export function countedClient({
  bearer,
  client,
}: {
  readonly bearer?: string | undefined;
  readonly client: string;
}): string {
  return bearer ?? client;
}

/**
 * Returns the key of counts of that client. A client that gets the name of a removed one begins anew; one
 * that replaces its certificate does not.
 */
export function accountOf({
  client,
  enrolledAt,
  bearer,
  bearerEnrolledAt,
}: Pick<Principal, 'client' | 'enrolledAt' | 'bearer' | 'bearerEnrolledAt'>): string {
  return bearer === undefined ? `${client} ${enrolledAt ?? ''}` : `${bearer} ${bearerEnrolledAt ?? ''}`;
}

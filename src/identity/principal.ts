/** Who is speaking. Port between the directory of enrolled clients and everything that decides on their behalf. */

/** An enrolled client (LESSONS: a certificate of a trusted CA is not enough). */
export interface Client {
  readonly name: string;
  /** Objects belong to the group; a client belongs to exactly one. */
  readonly group: string;
  /** Name of a role in the policy table. */
  readonly role: string;
  /** SHA-256 of the certificate's DER, lower-case hex, no colons. */
  readonly fingerprint: string;
  readonly disabled: boolean;
  /** POSIX seconds. */
  readonly enrolledAt: number;
  /** PEM of the enrolled certificate, and of those above it when no authority of ours issued it. */
  readonly certificate: string;
}

/** The directory of enrolled clients, kept in the same database as the objects. */
export interface ClientDirectory {
  byFingerprint(fingerprint: string): Promise<Client | undefined>;
  byName(name: string): Promise<Client | undefined>;
  list(): Promise<readonly Client[]>;
  /** False when the name or the fingerprint is already enrolled. */
  add(client: Client): Promise<boolean>;
  /** Changes nothing else: the client may be replacing its certificate meanwhile. False when there is none. */
  setDisabled(name: string, disabled: boolean): Promise<boolean>;
  /** False when there was none. Objects stay with the group. */
  remove(name: string): Promise<boolean>;
}

/** One thing that a ticket of Delegated Login allows (KMIP 2.1 §9.19); what it does not speak of it does not limit. */
export interface Right {
  /** KMIP names. */
  readonly operations?: readonly string[];
  /** Unique Identifiers and Object Groups: an object must stand in one of the two, where either is given. */
  readonly objects?: readonly string[];
  readonly groups?: readonly string[];
}

/** The authenticated speaker of one message. Plain data but for `may`. */
export interface Principal {
  readonly client: string;
  readonly group: string;
  /** Fingerprint of the client's certificate. */
  readonly fingerprint?: string;
  /** The operator has given the client credentials, so that its certificate alone is not enough. */
  readonly secondFactor?: boolean;
  /** It speaks by this ticket (id of the record). */
  readonly ticket?: string;
  /** Narrows what the role grants to what one of these allows. */
  readonly rights?: readonly Right[];
  /** Operations the role grants, by KMIP name; asked once per batch item. */
  may(operation: string): boolean;
}

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
  /** Replaces group, role, disabled, fingerprint and certificate of the client of that name; false when there is none. */
  update(client: Client): Promise<boolean>;
  /** False when there was none. Objects stay with the group. */
  remove(name: string): Promise<boolean>;
}

/** The authenticated speaker of one connection. */
export interface Principal {
  readonly client: string;
  readonly group: string;
  /** Operations the role grants, by KMIP name; asked once per batch item. */
  may(operation: string): boolean;
}

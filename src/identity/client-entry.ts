import { readJson, writeJson } from '../common/json.ts';
import type { ClientCredentials, CredentialUse } from './credentials.ts';
import type { Client, NewClient } from './principal.ts';

/** Kind of the records of clients; the id is the client's name, and the record is of the client's group. */
export const clientKind = 'client';

/** Kind of the records that find the client of a certificate; the id is the certificate's fingerprint. */
export const clientCertificateKind = 'client-certificate';

/**
 * Everything that the server stores of a client. One row has all of it: whoever can delete rows of the
 * database deletes no second factor and no use of a credential without the client.
 */
export interface ClientEntry extends NewClient {
  readonly credentials: ClientCredentials;
  /** Credentials that messages have used up. */
  readonly use: CredentialUse;
}

/** The client that a certificate belongs to; it does not count where the client has another certificate. */
interface CertificateEntry {
  readonly client: string;
}

/** Decodes the content of a `client` record. */
export function readClientEntry(content: Uint8Array): ClientEntry {
  return readJson(content);
}

/** Encodes the content of a `client` record. */
export function writeClientEntry(entry: ClientEntry): Uint8Array {
  const { name, group, role, fingerprint, disabled, enrolledAt, certificate, credentials, use } = entry;
  const client: NewClient = { name, group, role, fingerprint, disabled, enrolledAt, certificate };
  return writeJson({ ...client, credentials, use });
}

/** Decodes the content of a `client-certificate` record: the name of the client. */
export function readCertificateEntry(content: Uint8Array): string {
  return readJson<CertificateEntry>(content).client;
}

/** Encodes the content of a `client-certificate` record. */
export function writeCertificateEntry(client: string): Uint8Array {
  return writeJson({ client } satisfies CertificateEntry);
}

/** Returns the client of an entry as the directory shows it. */
export function clientOf({ credentials, use: _, ...client }: ClientEntry): Client {
  return { ...client, hasCredentials: hasAny(credentials) };
}

/** Whether there is a credential. */
export function hasAny({ users, devices }: ClientCredentials): boolean {
  return users.length + devices.length > 0;
}

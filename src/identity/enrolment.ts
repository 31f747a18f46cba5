import type { ClientDirectory } from './principal.ts';

/** Port: replaces the certificate of an enrolled client (KMIP 2.1 Re-Provision). */
export interface Enrolments {
  readonly directory: Pick<ClientDirectory, 'byName' | 'byFingerprint' | 'list'>;
  /**
   * Whether the server has an authority of its own to issue certificates with; `signRequest` and `generate`
   * need one.
   */
  readonly canIssue: boolean;
  /**
   * Issues a certificate for the key of a certificate request (PKCS#10, PEM or DER).
   * @throws {EnrolmentRefusedError} when the request cannot be used.
   */
  signRequest(client: string, request: Uint8Array): Promise<ClientCertificate>;
  /**
   * Issues a certificate for a new key.
   * @throws {EnrolmentRefusedError} when the authority cannot issue.
   */
  generate(client: string): Promise<ClientCertificate & { readonly key: GeneratedKey }>;
  /**
   * Checks a certificate (DER) that another authority issued to the client. `current` (PEM) is the
   * certificate of the client's connection: its handshake has proven that the client has the private key.
   * @throws {EnrolmentRefusedError} when no connection could be opened with it, or when it is for another key
   *   than `current`: a certificate is public, so it does not prove that its sender has the key.
   */
  accept(certificate: Uint8Array, current: string): Promise<ClientCertificate>;
  /** Notifies the operator of a replacement; to be called when it is durable. */
  replaced(event: ReplacedEnrolment): void;
}

/** A certificate that authenticates its client once it is enrolled. */
export interface ClientCertificate {
  readonly der: Uint8Array;
  readonly pem: string;
  /** SHA-256 of the DER, lower-case hex. */
  readonly fingerprint: string;
  /** POSIX seconds. */
  readonly notAfter: number;
}

/** A private key. */
export interface GeneratedKey {
  /** PKCS#8 DER, in memory that the caller may overwrite. */
  readonly pkcs8: Uint8Array;
  readonly algorithm: 'ECDSA' | 'RSA';
  readonly bits: number;
}

/** The new certificate of a client, as it is committed with the objects that the client made for it. */
export interface EnrolmentChange {
  /** Name of the client. */
  readonly client: string;
  readonly group: string;
  /** Fingerprint of the certificate that it has to be enrolled with. */
  readonly before: string;
  readonly fingerprint: string;
  /** PEM. */
  readonly certificate: string;
}

/** A client has replaced its certificate. */
export interface ReplacedEnrolment {
  readonly client: string;
  readonly fingerprint: string;
  /** Fingerprint of the certificate that is no longer valid. */
  readonly before: string;
  /** Unique Identifier of the new certificate's object. */
  readonly object: string;
  readonly by: 'certificate request' | 'certificate' | 'generated key';
}

/** A certificate or certificate request cannot be enrolled; the client gets the message. */
export class EnrolmentRefusedError extends Error {
  override readonly name = 'EnrolmentRefusedError';
  readonly code = 'ENROLMENT_REFUSED';
}

import type { ClientDirectory } from './principal.ts';

/** Port: how an enrolled client gets another certificate in place of its own (KMIP 2.1 Re-Provision). */
export interface Enrolments {
  readonly directory: Pick<ClientDirectory, 'byName' | 'byFingerprint' | 'list'>;
  /** Whether the server has an authority of its own to issue certificates with; the next two want one. */
  readonly canIssue: boolean;
  /** A certificate for the key of a certificate request (PKCS#10, PEM or DER). Throws EnrolmentRefusedError. */
  signRequest(client: string, request: Uint8Array): Promise<ClientCertificate>;
  /** A certificate with a fresh key. Throws EnrolmentRefusedError. */
  generate(client: string): Promise<ClientCertificate & { readonly key: GeneratedKey }>;
  /** A certificate that the client has got elsewhere, in DER. Throws EnrolmentRefusedError when it opens no connection here. */
  accept(certificate: Uint8Array): ClientCertificate;
  /** Tells the operator, once it is durable. */
  replaced(event: ReplacedEnrolment): void;
}

/** A certificate that lets its holder in, once it is enrolled. */
export interface ClientCertificate {
  readonly der: Uint8Array;
  readonly pem: string;
  /** SHA-256 of the DER, lower-case hex. */
  readonly fingerprint: string;
  /** POSIX seconds. */
  readonly notAfter: number;
}

/** A private key in PKCS#8 (DER, memory of the caller's own). */
export interface GeneratedKey {
  readonly pkcs8: Uint8Array;
  readonly algorithm: 'ECDSA' | 'RSA';
  readonly bits: number;
}

export interface ReplacedEnrolment {
  readonly client: string;
  readonly fingerprint: string;
  /** Fingerprint of the certificate that no longer counts. */
  readonly before: string;
  /** Unique Identifier of the new certificate's object. */
  readonly object: string;
  readonly by: 'certificate request' | 'certificate' | 'generated key';
}

/** A certificate or certificate request that no enrolment can rest on; the message is for the client. */
export class EnrolmentRefusedError extends Error {
  override readonly name = 'EnrolmentRefusedError';
  readonly code = 'ENROLMENT_REFUSED';
}

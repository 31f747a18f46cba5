import type { CertificateRequestType, RevocationReasonCode } from '../../codec/enums.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import type { PlainKey } from './plain-key.ts';

/** Part of the cryptography's port: X.509 certificates made and judged (RFC 5280, 2986). */
export interface Certification {
  /**
   * What a certificate request asks for, once its signature has shown that whoever made it has the private key. Throws
   * RequestInvalid.
   */
  readCertificateRequest(type: CertificateRequestType, value: Uint8Array): Promise<CertificateContent>;
  /** What a certificate says, as its successor would say it again. Throws InvalidCertificateError. */
  readCertificate(der: Uint8Array): Promise<CertificateDetails>;
  /** A distinguished name in DER. Throws InvalidNameError. */
  encodeName(name: StatedName): Promise<Uint8Array>;
  /** A name that 1.0 writes as text (host name, address, URI, e-mail address) as GeneralName in DER. Throws InvalidNameError. */
  encodeAlternativeName(text: string): Promise<Uint8Array>;
  /** Whether every part of the distinguished name `stated` is part of `name`, letter case and spaces aside. */
  nameContains(name: Uint8Array, stated: Uint8Array): boolean;
  /** Whether the private key is that of the public key (SubjectPublicKeyInfo in DER). */
  isPair(privateKey: PlainKey, publicKey: Uint8Array): boolean;
  /**
   * A certificate in DER, signed on the thread pool. Throws UnsupportedAlgorithmError and ParametersInvalid when the issuer's
   * key cannot sign so, or the subject's is too weak to be vouched for.
   */
  issueCertificate(buildChain: CertificateSpecification): Promise<Uint8Array>;
  /** A revocation list (RFC 5280 §5) in DER, signed on the thread pool. Throws as `issue` does. */
  issueRevocationList(buildChain: RevocationListSpecification): Promise<Uint8Array>;
  /**
   * Certificates in DER in the order of their chain, the issued before its issuer; undefined when they are not one chain.
   * Throws InvalidCertificateError.
   */
  buildChain(certificates: readonly Uint8Array[]): readonly Uint8Array[] | undefined;
  /** Whether the issuer's key made the signature of the certificate, both in DER. Throws InvalidCertificateError. */
  isIssuedBy(certificate: Uint8Array, issuer: Uint8Array): boolean;
  /**
   * The verdict on an ordered chain at a date, POSIX seconds (RFC 5280 §6 without policies). Unknown: its
   * end is not signed by itself, or it has critical extensions that the server cannot judge.
   */
  validatePath(chain: readonly Uint8Array[], date: number): Promise<ValidationResult>;
}

export type ValidationResult = 'Valid' | 'Invalid' | 'Unknown';

/** What a certificate says about its subject. */
export interface CertificateContent {
  /** Distinguished name in DER. */
  readonly subject: Uint8Array;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
  /** GeneralNames in DER, one each. */
  readonly alternativeNames: readonly Uint8Array[];
  /** Bits of KeyUsage (RFC 5280 §4.2.1.3, the first is 1); what fits the key when left out. */
  readonly keyUsage?: number | undefined;
  /** Object identifiers of extended key usages. */
  readonly extendedKeyUsage: readonly string[];
  /** Whether the subject may issue certificates. */
  readonly authority: boolean;
  /** Authorities that may stand below this one. */
  readonly pathLength?: number | undefined;
}

export interface CertificateDetails extends CertificateContent {
  /** Distinguished name in DER. */
  readonly issuer: Uint8Array;
  /** POSIX seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Signed with its own key. */
  readonly selfSigned: boolean;
}

/** A name as DER, as text (RFC 4514), or by its parts. */
export type StatedName =
  | { readonly der: Uint8Array }
  | { readonly text: string }
  | { readonly parts: readonly (readonly [type: NamePartType, text: string])[] };

export const namePartTypes = [
  'C',
  'ST',
  'L',
  'DC',
  'O',
  'OU',
  'CN',
  'Title',
  'SerialNumber',
  'DNQualifier',
  'UID',
  'Email',
] as const;
export type NamePartType = (typeof namePartTypes)[number];

export interface CertificateSpecification {
  readonly content: CertificateContent;
  /** Distinguished name in DER. */
  readonly issuer: Uint8Array;
  /** The issuer's certificate in DER; undefined where the certificate is to be signed by its own key. */
  readonly issuerCertificate?: Uint8Array | undefined;
  readonly issuerKey: PlainKey;
  /** 16 octets, big-endian. */
  readonly serialNumber: Uint8Array;
  /** POSIX seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Digital Signature Algorithm, Padding Method and Hashing Algorithm; what fits the key when left out. */
  readonly signature: CryptographicParameters;
  /** URL where the issuer's revocation list can be had. */
  readonly revocationListUrl?: string | undefined;
}

export interface RevocationListSpecification {
  /** In DER. */
  readonly issuerCertificate: Uint8Array;
  readonly issuerKey: PlainKey;
  /** Higher than that of every earlier list of the issuer. */
  readonly number: number;
  /** POSIX seconds. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** No serial number twice. */
  readonly entries: readonly RevokedEntry[];
  readonly signature: CryptographicParameters;
}

export interface RevokedEntry {
  /** INTEGER in DER. */
  readonly serialNumber: Uint8Array;
  /** POSIX seconds. */
  readonly date: number;
  readonly reason: RevocationReasonCode;
  /** POSIX seconds from which on the key may have been in other hands. */
  readonly invalidSince?: number | undefined;
}

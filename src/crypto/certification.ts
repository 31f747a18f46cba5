import type { CertificateRequestType, RevocationReasonCode } from '../../codec/enums.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import type { NamingPolicy } from '../common/certification-rules.ts';
import type { PlainKey } from './plain-key.ts';

/** Part of CryptoProvider: X.509 certificates issued, read and validated (RFC 5280, 2986). */
export interface Certification {
  /**
   * Reads a certificate request, after its signature has proved that the requester has the private key.
   * @throws {InvalidCertificateRequestError} when the request cannot be read, or its signature is wrong
   */
  readCertificateRequest(type: CertificateRequestType, value: Uint8Array): Promise<CertificateContent>;
  /**
   * Reads the statements of a certificate, in the form in which a new certificate repeats them.
   * @throws {InvalidCertificateError} when the certificate is not X.509 in DER
   */
  readCertificate(der: Uint8Array): Promise<CertificateDetails>;
  /**
   * Encodes a distinguished name in DER.
   * @throws {InvalidNameError} when the name is empty, too long or malformed
   */
  encodeName(name: StatedName): Promise<Uint8Array>;
  /**
   * Encodes a name that 1.0 states as text (host name, address, URI, e-mail address) as GeneralName in DER.
   * @throws {InvalidNameError} when the text is none of these
   */
  encodeAlternativeName(text: string): Promise<Uint8Array>;
  /**
   * Tells whether every part of the distinguished name `stated` is part of `name`, letter case and spaces
   * aside.
   * @throws {InvalidNameError} when a name is not DER
   */
  nameContains(name: Uint8Array, stated: Uint8Array): boolean;
  /**
   * Returns a distinguished name in DER as a text that is equal for names that are equal by RFC 5280 §7.1.
   * @throws {InvalidNameError} when the name is not DER
   */
  comparableName(name: Uint8Array): string;
  /**
   * Returns why the policies of the authorities above a certificate do not allow its names; undefined when
   * all of them do.
   * @throws {InvalidNameError} when a name is not DER
   */
  findNamingProblem(
    content: Pick<CertificateContent, 'subject' | 'alternativeNames' | 'authority'>,
    policies: readonly NamingPolicy[],
  ): string | undefined;
  /**
   * Returns the Name Constraints (RFC 5280 §4.2.1.10) that permit what all the policies allow, as far as
   * constraints can express it: the value of the extension in DER. `policies` has at least one.
   */
  encodeNameConstraints(policies: readonly NamingPolicy[]): Promise<Uint8Array>;
  /**
   * Returns a public key, SubjectPublicKeyInfo in DER, in the one encoding that every encoding of the same
   * key has; a key of an unknown kind as it is.
   */
  canonicalKey(publicKey: Uint8Array): Uint8Array;
  /**
   * Returns the public key of a private key as SubjectPublicKeyInfo in DER.
   * @throws {UnsupportedKeyFormatError} for kinds of keys of which it cannot be computed
   */
  publicKeyOf(privateKey: PlainKey): Uint8Array;
  /**
   * Returns the part of a certificate in DER that is signed, and so the same in every encoding of the
   * signature. A view.
   * @throws {InvalidCertificateError} when the certificate is not X.509 in DER
   */
  signedPart(certificate: Uint8Array): Uint8Array;
  /** Tells whether the private key belongs to the public key (SubjectPublicKeyInfo in DER). */
  isPair(privateKey: PlainKey, publicKey: Uint8Array): boolean;
  /**
   * Issues a certificate in DER, signed on the thread pool.
   * @throws {UnsupportedAlgorithmError} when the issuer's key cannot sign so, or the subject's key is too
   * weak
   * @throws {InvalidParametersError} when the signature parameters contradict each other or the issuer's key
   */
  issueCertificate(specification: CertificateSpecification): Promise<Uint8Array>;
  /**
   * Issues a revocation list (RFC 5280 §5) in DER, signed on the thread pool. Throws as `issueCertificate`
   * does.
   */
  issueRevocationList(specification: RevocationListSpecification): Promise<Uint8Array>;
  /**
   * Puts certificates in DER in the order of their chain, each before its issuer; undefined when they are not
   * one chain.
   * @throws {InvalidCertificateError} when a certificate is not X.509 in DER
   */
  buildChain(certificates: readonly Uint8Array[]): Promise<readonly Uint8Array[] | undefined>;
  /**
   * Tells whether the issuer's key made the signature of the certificate, both in DER.
   * @throws {InvalidCertificateError} when one of them is not X.509 in DER
   */
  isIssuedBy(certificate: Uint8Array, issuer: Uint8Array): boolean;
  /**
   * Validates an ordered chain at a date, POSIX seconds (RFC 5280 §6 without policies). Unknown: the end of
   * the chain is not self-signed, unless it is trusted as it is (`isAnchored`), or a critical extension is
   * not supported.
   * @throws {InvalidCertificateError} when a certificate is not X.509 in DER
   */
  validatePath(chain: readonly Uint8Array[], date: number, isAnchored?: boolean): Promise<ValidationResult>;
}

export type ValidationResult = 'Valid' | 'Invalid' | 'Unknown';

/** The statements of a certificate or request about its subject. */
export interface CertificateContent {
  /** Distinguished name in DER. */
  readonly subject: Uint8Array;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
  /** GeneralNames in DER, one each. */
  readonly alternativeNames: readonly Uint8Array[];
  /** Bits of KeyUsage (RFC 5280 §4.2.1.3, the first is 1); by default the usages that fit the key. */
  readonly keyUsage?: number | undefined;
  /** Object identifiers of extended key usages. */
  readonly extendedKeyUsage: readonly string[];
  /** Whether the subject may issue certificates. */
  readonly authority: boolean;
  /** Maximum number of authorities below this one. */
  readonly pathLength?: number | undefined;
  /** Name Constraints of an authority (RFC 5280 §4.2.1.10), the value of the extension in DER. */
  readonly nameConstraints?: Uint8Array | undefined;
}

/** The statements of a certificate. */
export interface CertificateDetails extends CertificateContent {
  /** Distinguished name in DER. */
  readonly issuer: Uint8Array;
  /** POSIX seconds. */
  readonly notBefore: number;
  /** POSIX seconds. */
  readonly notAfter: number;
  /** Signed with its own key. */
  readonly selfSigned: boolean;
}

/** A name as DER, as text (RFC 4514), or by its parts. */
export type StatedName =
  | { readonly der: Uint8Array }
  | { readonly text: string }
  | { readonly parts: readonly (readonly [type: NamePartType, text: string])[] };

/** Attributes of a distinguished name that KMIP names, in the order that certificates use. */
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

/** A certificate to issue. */
export interface CertificateSpecification {
  readonly content: CertificateContent;
  /** Distinguished name in DER. */
  readonly issuer: Uint8Array;
  /** The issuer's certificate in DER; undefined for a self-signed certificate. */
  readonly issuerCertificate?: Uint8Array | undefined;
  readonly issuerKey: PlainKey;
  /** 16 octets, big-endian. */
  readonly serialNumber: Uint8Array;
  /** POSIX seconds. */
  readonly notBefore: number;
  /** POSIX seconds. */
  readonly notAfter: number;
  /** Digital Signature Algorithm, Padding Method and Hashing Algorithm; by default those that fit the key. */
  readonly signature: CryptographicParameters;
  /** URL of the issuer's revocation list. */
  readonly revocationListUrl?: string | undefined;
}

/** A revocation list to issue. */
export interface RevocationListSpecification {
  /** In DER. */
  readonly issuerCertificate: Uint8Array;
  readonly issuerKey: PlainKey;
  /** Higher than that of every earlier list of the issuer. */
  readonly number: number;
  /** POSIX seconds. */
  readonly thisUpdate: number;
  /** POSIX seconds. */
  readonly nextUpdate: number;
  /** Each serial number once. */
  readonly entries: readonly RevokedEntry[];
  readonly signature: CryptographicParameters;
}

/** A revoked certificate. */
export interface RevokedEntry {
  /** INTEGER in DER. */
  readonly serialNumber: Uint8Array;
  /** POSIX seconds. */
  readonly date: number;
  readonly reason: RevocationReasonCode;
  /** POSIX seconds since when the key may be compromised. */
  readonly invalidSince?: number | undefined;
}

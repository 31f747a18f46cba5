import type { X509Certificate } from 'node:crypto';
import type { Extension } from '../../../certs/x509.ts';
import type { CertificateRequestType } from '../../../codec/enums.ts';
import { EventLoopYield } from '../../common/event-loop-yield.ts';
import {
  type DerNode,
  derOf,
  InvalidDerError,
  parseCertificate,
  parseDer,
  readSequence,
} from '../asn1/der.ts';
import { requireStrictDer } from '../asn1/strict-der.ts';
import type { CertificateContent, CertificateDetails } from '../certification.ts';
import { InvalidCertificateError, InvalidCertificateRequestError } from '../errors.ts';
import { type OpenedCertificate, readOnce } from './opened-certificates.ts';
import { isRequestSignedBy } from './request-signature.ts';

/* Statements of requests (PKCS#10, RFC 2986) and certificates about their subject. */

const oids = {
  alternativeName: '2.5.29.17',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
} as const;

/** Extended key usages that a request is never granted: any purpose, and OCSP responses for the issuer. */
const refusedUsages: readonly string[] = ['2.5.29.37.0', '1.3.6.1.5.5.7.3.9'];

/**
 * Reads a PKCS#10 request in DER or PEM and verifies its signature.
 * @throws {InvalidCertificateRequestError} when the request is malformed, nameless, or not signed by its key
 */
export async function readCertificateRequest(
  type: CertificateRequestType,
  value: Uint8Array,
): Promise<CertificateContent> {
  const der = type === 'PEM' ? decodePem(value) : value;
  const x509 = await import('../../../certs/x509.ts');
  let content: CertificateContent;
  requireDerRequest(der);
  try {
    // Limits size and depth before the library parses the bytes.
    if (readSequence(parseDer(der)).length !== 3) throw new InvalidDerError('a request has three parts');
    const request = new x509.Pkcs10CertificateRequest(der);
    const {
      extendedKeyUsage,
      nameConstraints: _,
      ...otherExtensions
    } = readExtensions(request.extensions, x509);
    content = {
      subject: new Uint8Array(request.subjectName.toArrayBuffer()),
      publicKey: new Uint8Array(request.publicKey.rawData),
      extendedKeyUsage: grantableUsages(extendedKeyUsage),
      ...otherExtensions,
    };
  } catch {
    throw new InvalidCertificateRequestError('the certificate request is not PKCS#10');
  }
  if (!(await isRequestSignedBy(der, content.publicKey))) {
    throw new InvalidCertificateRequestError('the signature of the certificate request does not fit its key');
  }
  // RFC 5280 §4.1.2.6: without a subject there must be an alternative name; an authority must have a subject.
  const isNameless = readSequence(parseDer(content.subject)).length === 0;
  if (isNameless && (content.authority || content.alternativeNames.length === 0)) {
    throw new InvalidCertificateRequestError('the certificate request does not say who the subject is');
  }
  return content;
}

/** Returns the extended key usages without those that no certificate gets. */
export function grantableUsages(usages: readonly string[]): readonly string[] {
  return usages.filter((usage) => !refusedUsages.includes(usage));
}

function requireDerRequest(der: Uint8Array): void {
  try {
    requireStrictDer(der);
  } catch (error) {
    if (error instanceof InvalidDerError)
      throw new InvalidCertificateRequestError(
        `the certificate request is not PKCS#10 in DER: ${error.message}`,
      );
    throw error;
  }
}

function decodePem(value: Uint8Array): Uint8Array {
  const text = new TextDecoder('latin1').decode(value);
  const body = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END/.exec(text)?.[1];
  if (body === undefined)
    throw new InvalidCertificateRequestError('there is no certificate request in PEM form');
  try {
    return Uint8Array.fromBase64(body);
  } catch {
    throw new InvalidCertificateRequestError('the certificate request is not base64');
  }
}

const eventLoop = new EventLoopYield();

/**
 * Reads a certificate in DER; other work of the event loop is done between several long ones. The result is
 * shared and must not be changed.
 * @throws {InvalidCertificateError} when the certificate is not X.509 in DER
 */
export async function readCertificate(der: Uint8Array): Promise<CertificateDetails> {
  if (eventLoop.isDue) await eventLoop.yield();
  return readOnce(der, readDetails);
}

async function readDetails(der: Uint8Array): Promise<CertificateDetails> {
  const x509 = await import('../../../certs/x509.ts');
  try {
    const certificate = new x509.X509Certificate(der);
    return {
      subject: new Uint8Array(certificate.subjectName.toArrayBuffer()),
      issuer: new Uint8Array(certificate.issuerName.toArrayBuffer()),
      publicKey: new Uint8Array(certificate.publicKey.rawData),
      ...readExtensions(certificate.extensions, x509),
      notBefore: Math.floor(certificate.notBefore.getTime() / 1000),
      notAfter: Math.floor(certificate.notAfter.getTime() / 1000),
      selfSigned: isSelfSigned(der),
    };
  } catch {
    throw new InvalidCertificateError('the certificate is not X.509 in DER');
  }
}

/**
 * Returns the TBSCertificate of a certificate in DER (RFC 5280 §4.1.1.1). A view.
 * @throws {InvalidCertificateError} when the certificate is not X.509 in DER
 */
export function signedPart(certificate: Uint8Array): Uint8Array {
  try {
    return derOf(readSequence(parseCertificate(certificate))[0] as DerNode);
  } catch {
    throw new InvalidCertificateError('the certificate is not X.509 in DER');
  }
}

/**
 * Tells whether the certificate is signed with its own key.
 * @throws {InvalidCertificateError} when the certificate is not X.509 in DER
 */
export function isSelfSigned(der: Uint8Array): boolean {
  return readOnce(der, computeSelfSigned);
}

function computeSelfSigned(_: Uint8Array, { certificate, names }: OpenedCertificate): boolean {
  return names.issuer === names.subject && isSignedByKeyOf(certificate, certificate);
}

/**
 * Tells whether the key of `issuer` made the signature of `certificate`; false for keys that OpenSSL does not
 * support.
 */
export function isSignedByKeyOf(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

type Library = typeof import('../../../certs/x509.ts');
type ExtensionContent = Pick<
  CertificateContent,
  'alternativeNames' | 'keyUsage' | 'extendedKeyUsage' | 'authority' | 'pathLength' | 'nameConstraints'
>;

function readExtensions(list: readonly Extension[], x509: Library): ExtensionContent {
  if (new Set(list.map(({ type }) => type)).size < list.length)
    throw new InvalidDerError('an extension comes twice');
  const named = (oid: string) => list.find(({ type }) => type === oid);
  const alternatives = named(oids.alternativeName);
  const usage = named(oids.keyUsage);
  const purposes = named(oids.extendedKeyUsage);
  const constraints = named(oids.basicConstraints);
  const limits = named(oids.nameConstraints);
  const basic =
    constraints === undefined ? undefined : new x509.BasicConstraintsExtension(constraints.rawData);
  return {
    alternativeNames:
      alternatives === undefined
        ? []
        : readSequence(parseDer(copyValue(alternatives))).map((name) => new Uint8Array(derOf(name))),
    keyUsage: usage === undefined ? undefined : new x509.KeyUsagesExtension(usage.rawData).usages,
    extendedKeyUsage:
      purposes === undefined
        ? []
        : Array.from(new x509.ExtendedKeyUsageExtension(purposes.rawData).usages, String),
    authority: basic?.ca ?? false,
    pathLength: basic?.pathLength,
    nameConstraints: limits && copyValue(limits),
  };
}

function copyValue(extension: Extension): Uint8Array {
  return new Uint8Array(extension.value);
}

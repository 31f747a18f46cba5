import type { X509Certificate } from 'node:crypto';
import {
  type DerNode,
  derOf,
  findTagged,
  InvalidDerError,
  parseCertificate,
  readExplicit,
  readOctets,
  readOid,
  readSequence,
} from '../asn1/der.ts';
import type { CertificateDetails, ValidationResult } from '../certification.ts';
import { InvalidCertificateError, InvalidKeyMaterialError, UnsupportedKeyFormatError } from '../errors.ts';
import { isSelfSigned, isSignedByKeyOf, readCertificate } from './certificate-content.ts';
import { findWeakness } from './key-strength.ts';
import { estimateComparisonCost, validateNames } from './name-constraints.ts';
import { type CertificateNames, openCertificate, readOnce } from './opened-certificates.ts';

/* Chains of certificates: building and validating paths (RFC 5280 §6). */

interface Link extends CertificateNames {
  readonly der: Uint8Array;
  readonly certificate: X509Certificate;
}

/**
 * Orders certificates in DER, the end entity first; equal ones count once. Undefined when they are not one
 * chain.
 * @throws {InvalidCertificateError} when a certificate is not X.509 in DER
 */
export async function buildChain(
  certificates: readonly Uint8Array[],
): Promise<readonly Uint8Array[] | undefined> {
  const unique = new Map(certificates.map((der) => [der.toHex(), der]));
  const links: Link[] = [];
  for (const der of unique.values()) {
    await readCertificate(der);
    const { certificate, names } = openCertificate(der);
    links.push({ der, certificate, ...names });
  }
  const issuers = new Map(links.map((link) => [link, findIssuer(link, links)]));
  const issuing = new Set(issuers.values());
  const [leaf, other] = links.filter((link) => !issuing.has(link));
  if (leaf === undefined || other !== undefined) return undefined;
  const chain: Link[] = [];
  for (let next: Link | undefined = leaf; next !== undefined; next = issuers.get(next)) chain.push(next);
  return chain.length === links.length ? chain.map(({ der }) => der) : undefined;
}

/** Finds the certificate of the issuer by its name; among several (after a key rollover) by its signature. */
function findIssuer(link: Link, links: readonly Link[]): Link | undefined {
  if (isSelfSigned(link.der)) return undefined;
  const named = links.filter((other) => other !== link && other.subject === link.issuer);
  return named.find(({ certificate }) => isSignedByKeyOf(link.certificate, certificate)) ?? named[0];
}

/**
 * Tells whether the names fit and the issuer's key made the signature; both certificates are DER.
 * @throws {InvalidCertificateError} when one is not X.509 in DER
 */
export function isIssuedBy(certificate: Uint8Array, issuer: Uint8Array): boolean {
  const issuing = openCertificate(issuer);
  const own = openCertificate(certificate);
  return own.names.issuer === issuing.names.subject && isSignedByKeyOf(own.certificate, issuing.certificate);
}

/**
 * Validates an ordered chain of certificates in DER at a date, POSIX seconds (RFC 5280 §6 without policies).
 * Keys below 112 bits of strength are Invalid, wherever they are. `isAnchored`: the last certificate is
 * trusted as it is, self-signed or not.
 * @throws {InvalidCertificateError} when a certificate is not X.509 in DER
 */
export async function validatePath(
  chain: readonly Uint8Array[],
  date: number,
  isAnchored = false,
): Promise<ValidationResult> {
  const details: CertificateDetails[] = [];
  const inspections: Inspection[] = [];
  for (const der of chain) {
    details.push(await readCertificate(der));
    inspections.push(readOnce(der, inspect));
  }
  const opened = chain.map((der) => openCertificate(der).certificate);
  const results = details.map((own, at): ValidationResult => {
    const { isFullyProcessed, isWeak } = inspections[at] as Inspection;
    if (date < own.notBefore || date > own.notAfter || isWeakKey(own.publicKey)) return 'Invalid';
    if (at > 0 && !mayIssue(own, countIntermediates(details, at))) return 'Invalid';
    const isEnd = at === chain.length - 1;
    if (isEnd) return (own.selfSigned || isAnchored) && isFullyProcessed ? 'Valid' : 'Unknown';
    if (isWeak) return 'Invalid';
    const issuerCertificate = opened[at + 1] as X509Certificate;
    if (!isSignedByKeyOf(opened[at] as X509Certificate, issuerCertificate)) return 'Invalid';
    return isFullyProcessed ? 'Valid' : 'Unknown';
  });
  results.push(...checkNameConstraints(inspections, details));
  return (['Invalid', 'Unknown'] as const).find((result) => results.includes(result)) ?? 'Valid';
}

/** Kinds of keys that are not known here are judged by what the certificate says alone. */
function isWeakKey(publicKey: Uint8Array): boolean {
  try {
    return findWeakness(publicKey) !== undefined;
  } catch (error) {
    if (unreadable.some((kind) => error instanceof kind)) return false;
    throw error;
  }
}

const unreadable = [InvalidDerError, InvalidKeyMaterialError, UnsupportedKeyFormatError];

/** Maximum characters that are compared for one chain, some 0.1 s; chains in use need a hundredth of that. */
const maxCompared = 16_777_216;

/**
 * Checks the certificates below each authority against its constraints; self-issued authorities are exempt
 * (§6.1.3 b).
 */
function checkNameConstraints(
  inspections: readonly Inspection[],
  details: readonly CertificateDetails[],
): ValidationResult[] {
  const pairs = inspections.flatMap(({ constraints }, at) => {
    if (constraints === undefined) return [];
    const below = details
      .slice(0, at)
      .filter(({ subject, issuer }, depth) => depth === 0 || subject.toHex() !== issuer.toHex());
    return below.map((names) => [constraints, names] as const);
  });
  const cost = pairs.reduce((sum, pair) => sum + estimateComparisonCost(...pair), 0);
  if (cost > maxCompared) return ['Unknown'];
  try {
    return pairs.map((pair) => validateNames(...pair));
  } catch (error) {
    if (error instanceof InvalidDerError)
      throw new InvalidCertificateError('its Name Constraints are not DER');
    throw error;
  }
}

/**
 * Counts the authorities between the one at `at` and the end entity; self-issued ones do not count (§6.1.4
 * l).
 */
function countIntermediates(details: readonly CertificateDetails[], at: number): number {
  return details.slice(1, at).filter(({ subject, issuer }) => subject.toHex() !== issuer.toHex()).length;
}

const keyCertSign = 32;

function mayIssue({ authority, pathLength, keyUsage }: CertificateDetails, below: number): boolean {
  if (!authority || (pathLength !== undefined && below > pathLength)) return false;
  return keyUsage === undefined || (keyUsage & keyCertSign) !== 0;
}

const nameConstraints = '2.5.29.30';

/**
 * Critical extensions that are processed: usages, constraints and names; policies bind only where a policy is
 * required.
 */
const processedExtensions: readonly string[] = [
  '2.5.29.15',
  '2.5.29.17',
  '2.5.29.18',
  '2.5.29.19',
  nameConstraints,
  '2.5.29.32',
  '2.5.29.37',
];

interface Inspection {
  /** Whether every critical extension is processed. */
  readonly isFullyProcessed: boolean;
  /** Whether the signature uses a broken hash. */
  readonly isWeak: boolean;
  /** Name Constraints in DER; they bind whether they are critical or not. */
  readonly constraints: Uint8Array | undefined;
}

function inspect(der: Uint8Array): Inspection {
  try {
    const extensions = readExtensions(der);
    const isFullyProcessed = extensions.every(
      ({ id, critical }) => !critical || processedExtensions.includes(id),
    );
    const constraints = extensions.find(({ id }) => id === nameConstraints)?.value.slice();
    return { isFullyProcessed, isWeak: isWeaklySigned(der), constraints };
  } catch (error) {
    if (error instanceof InvalidDerError)
      throw new InvalidCertificateError('the certificate is not X.509 in DER');
    throw error;
  }
}

function readExtensions(der: Uint8Array): { id: string; critical: boolean; value: Uint8Array }[] {
  const field = findTagged(readSequence(readSequence(parseCertificate(der))[0]), 3);
  if (field === undefined) return [];
  return readSequence(readExplicit(field)).map((extension) => {
    const parts = readSequence(extension);
    // DER leaves out the default, false.
    const critical = parts.length === 3 && derOf(parts[1] as DerNode).at(-1) !== 0;
    return { id: readOid(parts[0]), critical, value: readOctets(parts.at(-1)) };
  });
}

/** Signatures with MD2, MD4, MD5 or SHA-1: a forged certificate may have the same hash. */
const weakAlgorithms: readonly string[] = [
  '1.2.840.113549.1.1.2',
  '1.2.840.113549.1.1.3',
  '1.2.840.113549.1.1.4',
  '1.2.840.113549.1.1.5',
  '1.3.14.3.2.29',
  '1.2.840.10040.4.3',
  '1.2.840.10045.4.1',
];
const pss = '1.2.840.113549.1.1.10';

function isWeaklySigned(der: Uint8Array): boolean {
  const [algorithm, parameters] = readSequence(readSequence(parseCertificate(der))[1]);
  const id = readOid(algorithm);
  if (id !== pss) return weakAlgorithms.includes(id);
  try {
    // SHA-1 is the default of RSASSA-PSS: other hashes stand under [0] (RFC 4055 §3.1).
    return findTagged(readSequence(parameters), 0) === undefined;
  } catch (error) {
    if (error instanceof InvalidDerError) return true;
    throw error;
  }
}

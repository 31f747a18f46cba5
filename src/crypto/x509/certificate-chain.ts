import type { X509Certificate } from 'node:crypto';
import {
  encoded,
  explicit,
  InvalidDerError,
  items,
  type Node,
  octets,
  oid,
  parse,
  tagged,
} from '../asn1/der.ts';
import type { CertificateDetails, ValidationResult } from '../certification.ts';
import { InvalidCertificateError } from '../errors.ts';
import { isSelfSigned, namesOf, openCertificate, readCertificate, verifies } from './certificate-content.ts';
import { comparisonCost, withinConstraints } from './name-constraints.ts';

/** Chains of certificates: their order and their worth (RFC 5280 §6). */

interface Link {
  readonly der: Uint8Array;
  readonly certificate: X509Certificate;
  readonly issuer: string;
  readonly subject: string;
}

/** See Certification.order. */
export function buildChain(certificates: readonly Uint8Array[]): readonly Uint8Array[] | undefined {
  const unique = new Map(certificates.map((der) => [der.toHex(), der]));
  const links = [...unique.values()].map((der): Link => {
    const certificate = openCertificate(der);
    return { der, certificate, ...namesOf(der) };
  });
  const issuers = new Map(links.map((link) => [link, issuerAmong(link, links)]));
  const issuing = new Set(issuers.values());
  const [leaf, other] = links.filter((link) => !issuing.has(link));
  if (leaf === undefined || other !== undefined) return undefined;
  const chain: Link[] = [];
  for (let next: Link | undefined = leaf; next !== undefined; next = issuers.get(next)) chain.push(next);
  return chain.length === links.length ? chain.map(({ der }) => der) : undefined;
}

/** The one whose subject is the issuer; among several (a key rolled over) the one whose key made the signature. */
function issuerAmong(link: Link, links: readonly Link[]): Link | undefined {
  if (isSelfSigned(link.certificate)) return undefined;
  const named = links.filter((other) => other !== link && other.subject === link.issuer);
  return named.find(({ certificate }) => verifies(link.certificate, certificate)) ?? named[0];
}

/** See Certification.isIssuedBy. */
export function isIssuedBy(certificate: Uint8Array, issuer: Uint8Array): boolean {
  const above = openCertificate(issuer);
  const below = openCertificate(certificate);
  return namesOf(certificate).issuer === namesOf(issuer).subject && verifies(below, above);
}

/** See Certification.judge. */
export async function validatePath(chain: readonly Uint8Array[], date: number): Promise<ValidationResult> {
  const facts = await Promise.all(chain.map(readCertificate));
  const opened = chain.map(openCertificate);
  const looks = chain.map(lookAt);
  const verdicts = facts.map((own, at): ValidationResult => {
    const { isJudged, isWeak } = looks[at] as Look;
    if (date < own.notBefore || date > own.notAfter) return 'Invalid';
    if (at > 0 && !mayIssue(own, intermediates(facts, at))) return 'Invalid';
    const isEnd = at === chain.length - 1;
    if (isEnd) return own.selfSigned && isJudged ? 'Valid' : 'Unknown';
    if (isWeak) return 'Invalid';
    const above = opened[at + 1] as X509Certificate;
    if (!verifies(opened[at] as X509Certificate, above)) return 'Invalid';
    return isJudged ? 'Valid' : 'Unknown';
  });
  verdicts.push(...constrained(looks, facts));
  return (['Invalid', 'Unknown'] as const).find((verdict) => verdicts.includes(verdict)) ?? 'Valid';
}

/** Characters that are compared for one chain, some 0.1 s; those of the world need a hundredth of that. */
const maxCompared = 16_777_216;

/** What the constraints of authorities make of the certificates below them; those that only renew a key are free (§6.1.3 b). */
function constrained(looks: readonly Look[], facts: readonly CertificateDetails[]): ValidationResult[] {
  const pairs = looks.flatMap(({ constraints }, at) => {
    if (constraints === undefined) return [];
    const below = facts
      .slice(0, at)
      .filter(({ subject, issuer }, depth) => depth === 0 || subject.toHex() !== issuer.toHex());
    return below.map((names) => [constraints, names] as const);
  });
  const cost = pairs.reduce((sum, pair) => sum + comparisonCost(...pair), 0);
  if (cost > maxCompared) return ['Unknown'];
  try {
    return pairs.map((pair) => withinConstraints(...pair));
  } catch (error) {
    if (error instanceof InvalidDerError)
      throw new InvalidCertificateError('its Name Constraints are not DER');
    throw error;
  }
}

/** Authorities between the one at `at` and the end entity; those that only renew a key do not count (§6.1.4 l). */
function intermediates(facts: readonly CertificateDetails[], at: number): number {
  return facts.slice(1, at).filter(({ subject, issuer }) => subject.toHex() !== issuer.toHex()).length;
}

const keyCertSign = 32;

function mayIssue({ authority, pathLength, keyUsage }: CertificateDetails, below: number): boolean {
  if (!authority || (pathLength !== undefined && below > pathLength)) return false;
  return keyUsage === undefined || (keyUsage & keyCertSign) !== 0;
}

const nameConstraints = '2.5.29.30';

/** Critical extensions that are looked at: usages, constraints and names; policies bind only where someone demands one. */
const judged: readonly string[] = [
  '2.5.29.15',
  '2.5.29.17',
  '2.5.29.18',
  '2.5.29.19',
  nameConstraints,
  '2.5.29.32',
  '2.5.29.37',
];

interface Look {
  /** Every critical extension is one that the verdict has taken into account. */
  readonly isJudged: boolean;
  readonly isWeak: boolean;
  /** Name Constraints in DER; they bind whether they are critical or not. */
  readonly constraints: Uint8Array | undefined;
}

function lookAt(der: Uint8Array): Look {
  try {
    const extensions = extensionsOf(der);
    const isJudged = extensions.every(({ id, critical }) => !critical || judged.includes(id));
    const constraints = extensions.find(({ id }) => id === nameConstraints)?.value;
    return { isJudged, isWeak: isWeaklySigned(der), constraints };
  } catch (error) {
    if (error instanceof InvalidDerError)
      throw new InvalidCertificateError('the certificate is not X.509 in DER');
    throw error;
  }
}

function extensionsOf(der: Uint8Array): { id: string; critical: boolean; value: Uint8Array }[] {
  const field = tagged(items(items(parse(der))[0]), 3);
  if (field === undefined) return [];
  return items(explicit(field)).map((extension) => {
    const parts = items(extension);
    // The default, false, is left out in DER.
    const critical = parts.length === 3 && encoded(parts[1] as Node).at(-1) !== 0;
    return { id: oid(parts[0]), critical, value: octets(parts.at(-1)) };
  });
}

/** Signatures with MD2, MD4, MD5 or SHA-1: somebody else's certificate may have the same one. */
const weak: readonly string[] = [
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
  const [algorithm, parameters] = items(items(parse(der))[1]);
  const id = oid(algorithm);
  if (id !== pss) return weak.includes(id);
  try {
    // SHA-1 is the default of RSASSA-PSS: named hashes stand under [0] (RFC 4055 §3.1).
    return tagged(items(parameters), 0) === undefined;
  } catch (error) {
    if (error instanceof InvalidDerError) return true;
    throw error;
  }
}
